<?php
// One person, who signs in by a form.
$config = [
    'people' => [
        'exampleauth:UserPass',
        'mallory:pw' => [
            'uid' => ['mallory'],
            'mail' => ['mallory@corp.test'],
            'displayName' => ['Mallory Moe'],
            'groups' => ['users', 'devs'],
        ],
    ],
];
