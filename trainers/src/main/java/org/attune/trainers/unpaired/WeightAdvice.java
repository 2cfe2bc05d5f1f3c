package org.attune.trainers.unpaired;

import org.attune.trainers.examples.UnpairedExample;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.List;
import java.util.Optional;

/// Warns of weights that don't make up for unlike numbers of labels:
/// [Ethayarajh et al. 2024](https://arxiv.org/abs/2402.01306), Eq. 8, have
/// `w₊ n₊ / (w₋ n₋)` in `[1, 4/3]`.
final class WeightAdvice {
    private static final Logger LOG = LoggerFactory.getLogger(WeightAdvice.class);

    private static final double MOST = 4.0 / 3;

    private WeightAdvice() {}

    /// Logs the warning, if there is one.
    static void give(KtoLoss loss, List<UnpairedExample> rows) {
        warning(loss, rows).ifPresent(LOG::warn);
    }

    /// Advises as TRL does, and says nothing where both labels occur equally often.
    static Optional<String> warning(KtoLoss loss, List<UnpairedExample> rows) {
        long good = rows.stream().filter(UnpairedExample::desirable).count();
        long bad = rows.size() - good;
        if (good == bad || good == 0 || bad == 0) {
            return Optional.empty();
        }
        double least = bad * loss.undesirableWeight() / good;
        double share = loss.desirableWeight() / least;
        if (share >= 0.99 && share <= MOST + 0.01) {
            return Optional.empty();
        }
        return Optional.of(
                ("%d rows have label true, %d label false; KTO's paper recommends desirable_weight"
                                + " between %.2f and %.2f, or undesirable_weight between %.2f and"
                                + " %.2f, for this")
                        .formatted(
                                good,
                                bad,
                                least,
                                least * MOST,
                                good * loss.desirableWeight() / bad / MOST,
                                good * loss.desirableWeight() / bad));
    }
}
