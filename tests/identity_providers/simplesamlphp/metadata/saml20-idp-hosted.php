<?php
// It signs with signing.key. Where there is a next.crt, its metadata announces that one too: that is how SimpleSAMLphp changes
// its certificate. The file `encrypt` makes it encrypt assertions.
$folder = getenv('IDP_FOLDER');
$email = 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress';
$metadata[getenv('IDP_URL') . '/entity'] = [
    'host' => '__DEFAULT__',
    'auth' => 'people',
    'privatekey' => 'signing.key',
    'certificate' => 'signing.crt',
    'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    'NameIDFormat' => $email,
    'SingleLogoutServiceBinding' => ['urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect'],
    'authproc' => [['class' => 'saml:AttributeNameID', 'attribute' => 'mail', 'Format' => $email]],
    'sign.logout' => true,
    'validate.logout' => true,
    'assertion.encryption' => file_exists("$folder/encrypt"),
];
if (file_exists("$folder/next.crt")) {
    $metadata[getenv('IDP_URL') . '/entity'] += ['new_privatekey' => 'next.key', 'new_certificate' => 'next.crt'];
}
