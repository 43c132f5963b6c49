# The portal loads a module for captchas even where it asks for none; its own wants a library for drawing.
package NoCaptcha;

use strict;
use warnings;
use Mouse;

extends 'Lemonldap::NG::Portal::Main::Plugin';

sub init { return 1 }

1;
