package org.attune.rollout.constraint;

import org.attune.rollout.sampling.TokenConstraint;

import java.util.BitSet;
import java.util.Optional;

/// The state of a constraint behind the tokens of one sequence. A token from outside, or one that
/// ends a turn, begins the constraint anew.
final class ConstrainedTurn implements TokenConstraint {
    private final TokenMasks masks;
    private final TokenTrie trie;
    private final Expr start;
    private Expr state;

    ConstrainedTurn(TokenMasks masks, TokenTrie trie, Expr start) {
        this.masks = masks;
        this.trie = trie;
        this.start = start;
        state = start;
    }

    @Override
    public Optional<BitSet> allowed() {
        return Optional.of(masks.allowed(state));
    }

    @Override
    public void appended(int id, boolean foreign) {
        state = foreign || trie.ends().get(id) ? start : masks.after(state, trie.bytes(id));
    }
}
