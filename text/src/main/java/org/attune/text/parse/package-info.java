/// Reads what a chat model wrote back into a message: content, reasoning, calls of tools.
package org.attune.text.parse;
