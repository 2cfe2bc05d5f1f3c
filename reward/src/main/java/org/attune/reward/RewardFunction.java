package org.attune.reward;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;

import java.util.List;
import java.util.OptionalDouble;
import java.util.Set;

/// Judges completions. Users write these; a lambda is enough:
/// ```
/// RewardFunction brevity =
///         batch -> batch.completions().stream()
///                 .map(c -> OptionalDouble.of(-c.text().length() / 1000.0))
///                 .toList();
/// ```
///
/// A function may be called from several threads at once and never touches a tensor. **A call gets
/// those completions that are finished at the time, in no promised grouping and often just one**,
/// unless [#wholeRound] asks for all of them together. A function that compares completions must
/// ask for that; a lambda does it by [#wholeRounds].
@Api(STABLE)
@FunctionalInterface
public interface RewardFunction {
    /// Scores a batch.
    ///
    /// @return one entry per completion, in order: a finite reward, or empty where the function
    ///     doesn't apply
    List<OptionalDouble> score(RewardBatch batch);

    /// Name in metrics, `rewards/<name>/mean`: that of the class, or `reward` for a lambda; see
    /// [#named].
    default String name() {
        boolean nameless = getClass().isHidden() || getClass().isAnonymousClass();
        return nameless ? "reward" : getClass().getSimpleName();
    }

    /// Whether a call must see all completions of a round at once, since the function compares
    /// them. Such a function starts only when generation has ended, and one exception costs the
    /// whole round.
    default boolean wholeRound() {
        return false;
    }

    /// How many calls may run at the same time; at least 1. What waits meanwhile comes in the next
    /// call.
    default int concurrency() {
        return Integer.MAX_VALUE;
    }

    /// The limits of its calls. A function that has others than the usual ones runs on separate
    /// threads.
    ///
    /// @param usual those of the run
    default RewardLimits limits(RewardLimits usual) {
        return usual;
    }

    /// Columns of the data set that the function can't do without. A run whose data lack one is
    /// refused at its start.
    default Set<String> requiredColumns() {
        return Set.of();
    }

    /// Columns that the function reads of rows that have them; it doesn't apply to the others. A
    /// run none of whose rows has one of these is refused at its start.
    default Set<String> usedColumns() {
        return Set.of();
    }

    /// What it computes with beside its settings, such as the bytes of its source, for a
    /// fingerprint: a resumed run tells by it that a reward is no longer the same. Empty where
    /// nothing is known.
    default String content() {
        return "";
    }

    /// Gives the function another name.
    default RewardFunction named(String name) {
        return new NamedReward(name, wholeRound(), content(), this);
    }

    /// Chooses whether the function is called with a whole round at once; see [#wholeRound].
    /// ```
    /// WeightedReward.of(longest.wholeRounds(true))
    /// ```
    default RewardFunction wholeRounds(boolean whole) {
        return new NamedReward(name(), whole, content(), this);
    }

    /// Gives the function another [#content].
    default RewardFunction madeOf(String content) {
        return new NamedReward(name(), wholeRound(), content, this);
    }
}
