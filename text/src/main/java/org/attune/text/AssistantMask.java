package org.attune.text;

/// Which tokens of an encoded conversation the assistant said. Needed by `assistant_only_loss`.
public sealed interface AssistantMask {
    /// @param tokens one flag per token; true = the token overlaps something the assistant said.
    ///     The array belongs to the receiver.
    /// @param turns  number of the span that each token overlaps, from 0; -1: none. The array
    ///     belongs to the receiver.
    /// @param spans  their number; markers may make several of a message, or one of none
    /// @param source how the spans were found
    record Known(boolean[] tokens, int[] turns, int spans, Source source) implements AssistantMask {
        /// Number of assistant tokens.
        public int count() {
            int count = 0;
            for (boolean token : tokens) {
                count += token ? 1 : 0;
            }
            return count;
        }
    }

    /// The spans can't be found for this conversation.
    ///
    /// @param reason why, in words for the user, without a final full stop
    record Unknown(String reason) implements AssistantMask {}

    /// Where the spans come from.
    enum Source {
        /// `{% generation %}` blocks in the template.
        MARKERS,
        /// Renderings of the conversation's prefixes, each verified to be a prefix of the whole.
        PREFIXES,
        /// Renderings of the conversation with other texts in one message.
        DIFFERENCES
    }
}
