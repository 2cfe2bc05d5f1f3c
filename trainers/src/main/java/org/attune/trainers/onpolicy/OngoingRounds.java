package org.attune.trainers.onpolicy;

import org.attune.error.ConfigException;
import org.attune.rollout.SampledCompletion;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.examples.RowStream;
import org.attune.trainers.loop.LogicalDevices;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.onpolicy.OngoingGroups.Group;
import org.attune.trainers.onpolicy.OngoingGroups.Member;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// Writes rounds that end as soon as enough groups have ended. The other completions go on with
/// the next rounds, under their weights. Tokens alone say how long that takes, never a clock: so a
/// run writes the same rounds again.
final class OngoingRounds implements RoundWriter {
    private final LagConfig lag;
    private final Rounds rounds;
    private final RoundPlan plan;
    private final List<PromptExample> prompts;
    private final int generations;
    private final boolean hasRatio;
    private final PhaseClock clock;
    private final int longest;

    /// @param rounds completes prompts and has the completions judged
    /// @param plan says how many groups a round has, and which prompt comes when
    /// @param prompts the data
    /// @param generations completions of each
    /// @param hasRatio whether the loss compares log-probabilities
    OngoingRounds(
            LagConfig lag,
            Rounds rounds,
            RoundPlan plan,
            List<PromptExample> prompts,
            int generations,
            boolean hasRatio,
            PhaseClock clock) {
        if (prompts instanceof RowStream<?>) {
            throw ConfigException.about(
                    "max_staleness",
                    "unset with streaming: prompts are to be known before completions begin");
        }
        this.lag = lag;
        this.rounds = rounds;
        this.plan = plan;
        this.prompts = prompts;
        this.generations = generations;
        this.hasRatio = hasRatio;
        this.clock = clock;
        longest = prompts.stream().mapToInt(PromptExample::length).max().orElse(1);
    }

    /// The version of the weights that learn from a round: how many there were before.
    private int version(long round) {
        return Math.toIntExact(round / together());
    }

    @Override
    public int together() {
        return plan.roundsOf(lag.weightSyncSteps());
    }

    @Override
    public List<WrittenRound> write(long first, byte[] left) {
        int learned = version(first);
        int writing = version(Math.max(0, first - lag.rolloutLag()));
        LogicalDevices devices = rounds.devices();
        List<OngoingGroups> states = states(left);
        var told = new ByteArrayOutputStream();
        try (var out = new DataOutputStream(told)) {
            for (int device = 0; device < devices.count(); device++) {
                if (devices.isOwn(device)) {
                    OngoingGroups groups = states.get(device);
                    List<Group> taken = go(groups, device, writing, learned);
                    tell(taken, groups, device, learned, out);
                }
            }
        } catch (IOException e) {
            throw new IllegalStateException("memory was written to", e);
        }
        return written(first, devices.ranks().allGather("completions", told.toByteArray()));
    }

    private List<OngoingGroups> states(byte[] left) {
        int count = rounds.devices().count();
        List<OngoingGroups> states = new ArrayList<>();
        try (var in = new DataInputStream(new ByteArrayInputStream(left))) {
            for (int device = 0; device < count; device++) {
                var groups =
                        new OngoingGroups(
                                new OngoingGroups.Limits(
                                        generations,
                                        lag.places(plan.promptsPerRound() * generations, count),
                                        Math.ceilDiv(lag.queueMaxsize(), count),
                                        longest,
                                        device,
                                        count),
                                group -> prompts.get(prompt(group)).ids());
                if (left.length > 0) {
                    groups.read(in);
                }
                states.add(groups);
            }
        } catch (IOException e) {
            throw new IllegalStateException("completions under way can't be read", e);
        }
        return states;
    }

    private List<Group> go(OngoingGroups groups, int device, int writing, int learned) {
        int oldest = learned - lag.maxStaleness().getAsInt();
        groups.begin(writing, oldest, groupsOf(device) * together());
        try (var _ = clock.enter("rollout")) {
            rounds.source().goOn(groups);
        }
        return groups.take();
    }

    /// The number in the data of a group's prompt: groups are begun in the order in which rounds
    /// would complete them.
    private int prompt(long group) {
        int perRound = plan.promptsPerRound();
        return plan.promptsOf(group / perRound)[(int) (group % perRound)];
    }

    /// Groups of a round that a device writes.
    private int groupsOf(int device) {
        int count = rounds.devices().count();
        int all = plan.promptsPerRound();
        return all / count + (device < all % count ? 1 : 0);
    }

    /// The places of each device's groups in a round.
    private List<List<Integer>> dealt() {
        List<List<Integer>> dealt = new ArrayList<>();
        int next = 0;
        for (int device = 0; device < rounds.devices().count(); device++) {
            int end = next + groupsOf(device);
            dealt.add(IntStream.range(next, end).boxed().toList());
            next = end;
        }
        return dealt;
    }

    /// Tells of a device's groups, those of one round after the other, and of what it left.
    private void tell(
            List<Group> taken, OngoingGroups groups, int device, int learned, DataOutputStream out)
            throws IOException {
        int each = groupsOf(device);
        for (int round = 0; round < together(); round++) {
            tell(taken.subList(round * each, (round + 1) * each), learned, out);
        }
        out.writeInt(groups.underWay());
        out.writeInt(groups.dropped());
        out.writeInt(groups.ended());
        var left = new ByteArrayOutputStream();
        groups.write(new DataOutputStream(left));
        out.writeInt(left.size());
        left.writeTo(out);
    }

    private void tell(List<Group> taken, int learned, DataOutputStream out) throws IOException {
        List<Member> members = taken.stream().flatMap(group -> Arrays.stream(group.of())).toList();
        List<SampledCompletion> sampled = members.stream().map(Member::tokens).toList();
        int[] indices = taken.stream().mapToInt(group -> prompt(group.number())).toArray();
        out.writeInt(indices.length);
        for (int index : indices) {
            out.writeInt(index);
        }
        byte[] judged =
                sampled.isEmpty()
                        ? new byte[0]
                        : rounds.ended(indices, prompts, generations, sampled);
        out.writeInt(judged.length);
        out.write(judged);
        Staleness.of(members, learned).write(out);
    }

    /// What all devices tell of one round.
    private static final class Gathered {
        private final ByteArrayOutputStream judged = new ByteArrayOutputStream();
        private final List<Integer> indices = new ArrayList<>();
        private Staleness staleness = Staleness.NONE;

        void add(DataInputStream in) throws IOException {
            for (int more = in.readInt(); more > 0; more--) {
                indices.add(in.readInt());
            }
            judged.writeBytes(in.readNBytes(in.readInt()));
            staleness = staleness.and(Staleness.read(in));
        }
    }

    /// Rounds as all processes know them.
    private List<WrittenRound> written(long first, byte[][] told) {
        List<Gathered> gathered = Stream.generate(Gathered::new).limit(together()).toList();
        var left = new ByteArrayOutputStream();
        int underWay = 0;
        int dropped = 0;
        int waiting = 0;
        for (byte[] theirs : told) {
            try (var in = new DataInputStream(new ByteArrayInputStream(theirs))) {
                while (in.available() > 0) {
                    for (Gathered round : gathered) {
                        round.add(in);
                    }
                    underWay += in.readInt();
                    dropped += in.readInt();
                    waiting += in.readInt() * generations;
                    left.writeBytes(in.readNBytes(in.readInt()));
                }
            } catch (IOException e) {
                throw new IllegalStateException("memory was read from", e);
            }
        }
        List<WrittenRound> all = new ArrayList<>();
        for (Gathered round : gathered) {
            Map<String, Double> metrics = new LinkedHashMap<>(round.staleness.metrics());
            metrics.put("sample/in_flight", (double) underWay);
            metrics.put("sample/rollout_queue_size", (double) waiting);
            metrics.put("sample/dropped_stale_total", all.isEmpty() ? (double) dropped : 0);
            byte[] judged = round.judged.toByteArray();
            int[] asked = round.indices.stream().mapToInt(i -> i).toArray();
            all.add(
                    new WrittenRound(
                            first + all.size(),
                            asked,
                            judged,
                            old(asked, judged),
                            metrics,
                            left.toByteArray()));
        }
        return all;
    }

    /// The sampler's log-probabilities: each token's are those of the weights that sampled it.
    private Optional<float[][]> old(int[] indices, byte[] judged) {
        return hasRatio
                ? Optional.of(
                        read(indices, judged).sampled().stream()
                                .map(SampledCompletion::logProbs)
                                .toArray(float[][]::new))
                : Optional.empty();
    }

    private JudgedCompletions read(int[] indices, byte[] judged) {
        return rounds.read(judged, dealt(), indices, prompts, generations);
    }

    @Override
    public JudgedCompletions judged(WrittenRound round) {
        return rounds.joined(read(round.prompts(), round.judged()));
    }
}
