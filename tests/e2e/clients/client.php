<?php
// SPDX-License-Identifier: Apache-2.0
// PHP's curl extension, which finds proxy and roots in the environment: php client.php VERSION URL
[, $version, $url] = $argv;
$handle = curl_init($url);
curl_setopt_array($handle, [
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_CAINFO => getenv("CURL_CA_BUNDLE"),
    CURLOPT_HTTP_VERSION => $version === "1.1" ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS,
    CURLOPT_HTTPHEADER => ["Authorization: Bearer " . getenv("API_KEY")],
]);
$body = curl_exec($handle);
if ($body === false) {
    fwrite(STDERR, curl_error($handle) . "\n");
    exit(1);
}
$spoken = curl_getinfo($handle, CURLINFO_HTTP_VERSION) === CURL_HTTP_VERSION_2_0 ? "2" : "1.1";
echo $spoken, " ", curl_getinfo($handle, CURLINFO_RESPONSE_CODE), " ", $body;
