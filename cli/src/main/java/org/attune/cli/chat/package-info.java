/// `attune chat`: [ChatLoop] reads what the user types and prints what the model answers.
package org.attune.cli.chat;
