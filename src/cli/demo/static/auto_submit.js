/* Sends the identity provider's answer on. Without scripts a person presses the button. */
document.querySelector("form").submit();
