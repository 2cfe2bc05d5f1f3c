package org.attune.rollout.sampling;

import java.util.BitSet;
import java.util.Optional;

/// Which tokens a sequence may go on with, as a grammar or a list of choices decides. One object
/// belongs to one sequence and follows it token by token, on the engine thread: it should be
/// cheap. An exception ends its sequence.
///
/// Tokens that are refused get probability 0 before temperature, penalties and filters apply;
/// [org.attune.rollout.SampledCompletion#logProbs] stay those of the model itself.
public interface TokenConstraint {
    /// Refuses nothing.
    TokenConstraint NONE =
            new TokenConstraint() {
                @Override
                public Optional<BitSet> allowed() {
                    return Optional.empty();
                }

                @Override
                public void appended(int id, boolean foreign) {
                    // every token may follow every other
                }
            };

    /// Returns the ids that may come next, at least one; empty: all. Asked once for each token.
    Optional<BitSet> allowed();

    /// Whether [#allowed] may take longer than handing it to another thread. Then it is asked there
    /// while the engine computes what the token is sampled from; nothing else is asked meanwhile.
    default boolean takesTime() {
        return false;
    }

    /// Called for each token of the completion, in order.
    ///
    /// @param foreign whether it came from outside, where nothing was refused
    void appended(int id, boolean foreign);
}
