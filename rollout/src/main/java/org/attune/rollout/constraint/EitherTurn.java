package org.attune.rollout.constraint;

import org.attune.rollout.sampling.TokenConstraint;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;

/// A text that one of several constraints takes: those that don't take what was written are out
/// until the turn ends.
final class EitherTurn implements TokenConstraint {
    private final List<TokenConstraint> all;
    private final BitSet ends;
    private List<TokenConstraint> open;
    private List<BitSet> masks = List.of(); // of the open ones, since they were asked last

    /// @param ends tokens that end a turn
    EitherTurn(List<TokenConstraint> all, BitSet ends) {
        this.all = List.copyOf(all);
        this.ends = ends;
        open = this.all;
    }

    @Override
    public boolean takesTime() {
        return open.stream().anyMatch(TokenConstraint::takesTime);
    }

    @Override
    public Optional<BitSet> allowed() {
        masks = open.stream().map(each -> each.allowed().orElseThrow()).toList();
        if (masks.size() == 1) {
            return Optional.of(masks.getFirst());
        }
        var any = new BitSet();
        masks.forEach(any::or);
        return Optional.of(any);
    }

    @Override
    public void appended(int id, boolean foreign) {
        if (foreign || ends.get(id)) {
            all.forEach(each -> each.appended(id, true)); // begins anew
            open = all;
        } else {
            if (masks.isEmpty()) {
                allowed();
            }
            List<TokenConstraint> left = new ArrayList<>();
            for (int i = 0; i < open.size(); i++) {
                if (masks.get(i).get(id)) {
                    open.get(i).appended(id, false);
                    left.add(open.get(i));
                }
            }
            open = left;
        }
        masks = List.of();
    }
}
