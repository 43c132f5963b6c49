<?php
// SimpleSAMLphp as an identity provider of one test: SIMPLESAMLPHP_CONFIG_DIR points here, and everything that changes is in
// the folder IDP_FOLDER (keys, the service provider's metadata, sessions, logs) and in the address IDP_URL.
$folder = getenv('IDP_FOLDER');
$config = [
    'baseurlpath' => getenv('IDP_URL') . '/',
    'certdir' => "$folder/",
    'datadir' => "$folder/data/",
    'loggingdir' => "$folder/",
    'tempdir' => "$folder/temporary",
    'metadatadir' => __DIR__ . '/metadata/',
    'secretsalt' => 'a test has no secrets',
    'auth.adminpassword' => bin2hex(random_bytes(16)),
    'timezone' => 'UTC',
    'enable.saml20-idp' => true,
    'module.enable' => ['core' => true, 'saml' => true, 'exampleauth' => true],
    'metadata.sources' => [['type' => 'flatfile'], ['type' => 'xml', 'file' => "$folder/sp-metadata.xml"]],
    'store.type' => 'phpsession',
    'session.phpsession.savepath' => "$folder/temporary",
    'session.phpsession.cookiename' => 'ProviderSession',
    'session.cookie.secure' => false,
    'session.cookie.samesite' => null,
    'logging.handler' => 'file',
    'logging.logfile' => 'provider.log',
    'language.available' => ['en'],
    'language.default' => 'en',
];
