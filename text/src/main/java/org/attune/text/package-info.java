/// Text to token ids and back: tokenizers, chat templates, conversations.
///
/// Read [Tokenizer], then [HfTokenizer] and [TokenizerReader] for files, [ChatTemplate] and
/// [JinjaChatTemplate] for conversations, and [AssistantMask] for which tokens the assistant said.
package org.attune.text;
