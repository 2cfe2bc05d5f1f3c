package org.attune.trainers.loop;

import org.attune.error.ConfigException;
import org.attune.policy.GradientParts;
import org.attune.policy.ParameterSpace;
import org.attune.ranks.Collective;
import org.attune.ranks.RankParts;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.trainers.config.TrainingConfig;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/// The devices that a run's settings are meant for, and which of them this process computes: each
/// process has neighbours. What a device adds to gradients is added up apart from the others, and
/// these sums are added in a binary tree of neighbours. So the bits of a step don't depend on how
/// many processes there are, where each has 1, 2, 4 … devices.
public final class LogicalDevices implements AutoCloseable {
    private static final String GRADIENTS = "gradients";

    private final int count;
    private final Collective ranks;
    private final int zeroStage;
    private final TensorScope scope = TensorScope.detached("devices");
    private final Map<Place, Tensor> kept = new HashMap<>(); // sums on the way

    /// Where a sum waits for its neighbour's.
    private record Place(ParameterSpace space, int depth) {}

    /// Adds the gradients of a group of rows.
    public interface Groups {
        /// @param device that the group belongs to
        /// @param group its number among those of the device
        void add(int device, int group);
    }

    /// @param count of all processes together, ≥ 1
    /// @param ranks borrowed
    /// @param zeroStage what processes have in [parts][RankParts]: with 1 the sums of gradients,
    ///     with 2 gradients too
    /// @throws ConfigException if there are more processes than devices
    LogicalDevices(int count, Collective ranks, int zeroStage) {
        this.count = count;
        this.ranks = ranks;
        this.zeroStage = zeroStage;
        if (ranks.size() > count) {
            throw ConfigException.about(
                    "logical_devices",
                    ("%d, but %d ranks were started, of which some would have nothing to do; start"
                                    + " at most %d, or set %d, which gives a step as many times"
                                    + " the rows")
                            .formatted(count, ranks.size(), count, ranks.size()));
        }
    }

    /// The logical devices of a run.
    public static LogicalDevices of(TrainingConfig training, RunContext context) {
        return new LogicalDevices(
                training.batch().devices(), context.ranks(), training.ranks().zeroStage());
    }

    public int count() {
        return count;
    }

    public Collective ranks() {
        return ranks;
    }

    /// Whether other processes compute some of the devices.
    public boolean areShared() {
        return ranks.size() > 1;
    }

    /// Whether this process computes a device.
    public boolean isOwn(int device) {
        return owner(device) == ranks.rank();
    }

    /// The rank that computes a device.
    public int owner(int device) {
        return (int) (((device + 1L) * ranks.size() - 1) / count);
    }

    /// The rank that adds a device's gradients: where gradients are in parts, devices that are
    /// neighbours go to different ranks.
    public int learner(int device) {
        return partsGradients() ? device % ranks.size() : owner(device);
    }

    private boolean partsGradients() {
        return zeroStage >= 2;
    }

    /// Whether gradients are added in another order than that of the devices with their groups.
    public boolean areMixed() {
        return areShared() || partsGradients() && count > 1;
    }

    private int first(int rank) {
        return (int) ((long) rank * count / ranks.size());
    }

    /// Has the own devices add to gradients that are 0, and adds up over all devices of all
    /// processes.
    ///
    /// @param spaces to whose gradients a pass adds; these hold the sum afterwards, or this
    ///     process's part of it, which with stage 2 is their [ParameterSpace#gradientParts]
    /// @param groups how many groups of rows each device has
    /// @param work adds the gradients of one of them
    public void addUp(List<ParameterSpace> spaces, IntUnaryOperator groups, Groups work) {
        if (partsGradients()) {
            addRounds(spaces, groups, work);
            return;
        }
        IntConsumer device =
                number ->
                        IntStream.range(0, groups.applyAsInt(number))
                                .forEach(group -> work.add(number, group));
        int first = first(ranks.rank());
        int own = first(ranks.rank() + 1) - first;
        if (own == 1) {
            device.accept(first);
        } else {
            tree(spaces, device, first, own, 0);
        }
        if (areShared()) {
            spaces.forEach(space -> addRanks(space.gradients()));
        }
    }

    /// In a round every device has a group, as long as it has some. Its gradients are added up over
    /// the processes while a pass makes them, so all have their passes at the same time.
    private void addRounds(List<ParameterSpace> spaces, IntUnaryOperator groups, Groups work) {
        List<GradientParts> parts = spaces.stream().map(s -> s.gradientParts(ranks)).toList();
        parts.forEach(GradientParts::begin);
        int size = ranks.size();
        int places = Math.ceilDiv(count, size);
        int rounds = IntStream.range(0, count).map(groups).max().orElse(0);
        for (int round = 0; round < rounds; round++) {
            for (int place = 0; place < places; place++) {
                parts.forEach(p -> p.beginPass(places));
                int device = place * size + ranks.rank();
                if (device < count && round < groups.applyAsInt(device)) {
                    work.add(device, round);
                }
                int now = round;
                boolean any =
                        IntStream.range(place * size, Math.min(count, (place + 1) * size))
                                .anyMatch(d -> now < groups.applyAsInt(d));
                parts.forEach(p -> p.endPass(any));
            }
            parts.forEach(p -> p.endRound(places));
        }
    }

    private void addRanks(Tensor gradients) {
        if (zeroStage > 0) {
            new RankParts(ranks, gradients.size()).sum(GRADIENTS, gradients);
        } else {
            ranks.allReduce(GRADIENTS, gradients);
        }
    }

    /// A step's report with what it tells of several processes.
    ///
    /// @param tokens of each device
    public StepReport told(StepReport report, long[] tokens) {
        if (!areShared()) {
            return report;
        }
        long[] ofRanks = new long[ranks.size()];
        for (int device = 0; device < count; device++) {
            ofRanks[learner(device)] += tokens[device];
        }
        long most = Math.max(1, LongStream.of(ofRanks).max().orElseThrow());
        double mean = LongStream.of(ofRanks).average().orElseThrow();
        return report.with(MetricKeys.RANKS_BALANCE, mean / most);
    }

    private void tree(
            List<ParameterSpace> spaces, IntConsumer work, int first, int devices, int depth) {
        if (devices <= 1) {
            work.accept(first);
            return;
        }
        int left = Integer.highestOneBit(devices - 1);
        tree(spaces, work, first, left, depth + 1);
        for (ParameterSpace space : spaces) {
            kept(space, depth).copyInPlace(space.gradients());
            space.gradients().zeroInPlace();
        }
        tree(spaces, work, first + left, devices - left, depth + 1);
        for (ParameterSpace space : spaces) {
            space.gradients().addInPlace(kept(space, depth));
        }
    }

    private Tensor kept(ParameterSpace space, int depth) {
        return kept.computeIfAbsent(
                new Place(space, depth),
                _ -> {
                    Tensor like = space.gradients();
                    try (var _ = scope.enter()) {
                        return Tensor.zeros(like.device(), like.dtype(), like.size());
                    }
                });
    }

    @Override
    public void close() {
        scope.close();
    }
}
