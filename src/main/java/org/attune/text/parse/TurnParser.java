package org.attune.text.parse;

/// Reads the turns of one family of chat models. Immutable and thread-safe.
public interface TurnParser {
    /// Reads a turn that has ended.
    ///
    /// @param prefix the end of the prompt that the turn follows, at least from the header of the
    ///     turn on: some prompts open a block of reasoning
    /// @param text of the turn, special tokens and the end token included
    ParsedTurn parse(String prefix, String text);
}
