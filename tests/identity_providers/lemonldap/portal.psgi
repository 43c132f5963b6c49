# The portal, for plackup.
use strict;
use warnings;
use Lemonldap::NG::Portal::Main;

Lemonldap::NG::Portal::Main->run({});
