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
    private final boolean keysOnce;
    private Expr state;
    private KeyScanner keys = new KeyScanner();

    /// @param keysOnce whether texts are JSON in which keys must be kept from coming twice
    ConstrainedTurn(TokenMasks masks, TokenTrie trie, Expr start, boolean keysOnce) {
        this.masks = masks;
        this.trie = trie;
        this.start = start;
        this.keysOnce = keysOnce;
        state = start;
    }

    @Override
    public boolean takesTime() {
        return keysOnce && keys.hasKeys() || !masks.isKept(state);
    }

    @Override
    public Optional<BitSet> allowed() {
        BitSet allowed = masks.allowed(state);
        if (!keysOnce || !keys.hasKeys()) {
            return Optional.of(allowed);
        }
        // Only a token with a quote can end a key.
        var quoted = (BitSet) trie.quoted().clone();
        quoted.and(allowed);
        quoted.stream()
                .filter(id -> new KeyScanner(keys).push(trie.bytes(id)))
                .forEach(quoted::clear);
        var fresh = (BitSet) allowed.clone();
        fresh.andNot(quoted);
        return Optional.of(fresh);
    }

    @Override
    public void appended(int id, boolean foreign) {
        if (foreign || trie.ends().get(id)) {
            state = start;
            keys = new KeyScanner();
        } else {
            state = masks.after(state, trie.bytes(id));
            if (keysOnce) {
                keys.push(trie.bytes(id));
            }
        }
    }
}
