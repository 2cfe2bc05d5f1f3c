package org.attune.model.layer;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

/// Which of a decoder's adapters a pass uses. One set of weights can have one adapter that is
/// trained and any number of frozen ones.
///
/// @param number tells frozen adapters apart; 0 for the others
@Api(EXPERIMENTAL)
public record Adapter(Kind kind, int number) implements Comparable<Adapter> {
    /// The base model's own weights.
    public static final Adapter OFF = new Adapter(Kind.OFF, 0);

    /// The one that is trained.
    public static final Adapter TRAINED = new Adapter(Kind.TRAINED, 0);

    /// What an adapter is for.
    public enum Kind {
        OFF,
        TRAINED,
        FROZEN
    }

    /// A frozen one.
    ///
    /// @param number ≥ 0
    public static Adapter frozen(int number) {
        if (number < 0) {
            throw new IllegalArgumentException("adapter " + number + "; accepted: 0 or more");
        }
        return new Adapter(Kind.FROZEN, number);
    }

    @Override
    public int compareTo(Adapter other) {
        int byKind = kind.compareTo(other.kind);
        return byKind == 0 ? Integer.compare(number, other.number) : byKind;
    }

    boolean isFrozen() {
        return kind == Kind.FROZEN;
    }
}
