package org.attune.trainers.onpolicy;

import org.attune.error.CheckpointException;
import org.attune.error.StopRequest;
import org.attune.policy.ParameterSpace;
import org.attune.trainers.loop.CheckpointPart;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.loop.RolloutRanks;
import org.attune.trainers.loop.RunContext;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;

/// Rounds that other weights than those that learn may have written: when round r begins to be
/// learned from, round r + lag is begun with the weights as they are. So round r ends with the
/// weights after round r − 1 − lag, and the first ones with those of the start. What a round leaves
/// under way is the next one's to go on with. Numbers alone say who writes what with which weights,
/// however many processes there are. Where processes only write, they write a round while the
/// others train.
public final class RoundsAhead implements CheckpointPart {
    private static final String FILE = "rounds-ahead.bin";
    private static final String LEFT = "under-way.bin";

    private final int lag;
    private final long rounds;
    private final RoundWriter writer;
    private final ParameterSpace weights;
    private final Optional<RolloutRanks> others;
    private final PhaseClock clock;
    private final NavigableMap<Long, WrittenRound> ready = new TreeMap<>();
    private final Map<String, Double> metrics = new LinkedHashMap<>();
    private OptionalLong underWay = OptionalLong.empty();
    private byte[] left = {}; // after the last round that was written

    private RoundsAhead(
            int lag, long rounds, RoundWriter writer, ParameterSpace weights, RunContext context) {
        this.lag = lag;
        this.rounds = rounds;
        this.writer = writer;
        this.weights = weights;
        others = context.rolloutRanks();
        clock = context.clock();
    }

    /// @param rounds of the whole run
    /// @param writer of rounds; borrowed
    /// @param weights that are trained; borrowed
    /// @return empty if rounds are written when they are learned from
    public static Optional<RoundsAhead> of(
            LagConfig config,
            long rounds,
            RoundWriter writer,
            ParameterSpace weights,
            RunContext context) {
        return config.isOn()
                ? Optional.of(
                        new RoundsAhead(config.rolloutLag(), rounds, writer, weights, context))
                : Optional.empty();
    }

    /// A round that is to be learned from now, with the policy as it is. Later ones are begun.
    public WrittenRound at(long round) {
        metrics.clear();
        collect();
        long last = Math.min(round + lag, rounds - 1);
        long next = ready.isEmpty() ? round : Math.max(round, ready.lastKey() + 1);
        for (; next <= last; next += writer.together()) {
            collect();
            begin(next);
        }
        if (underWay.isPresent() && underWay.getAsLong() <= round) {
            collect();
        }
        WrittenRound written = ready.get(round);
        metrics.putAll(written.metrics());
        return written;
    }

    /// A round's completions.
    public JudgedCompletions judged(WrittenRound round) {
        return writer.judged(round);
    }

    /// Forgets rounds that a run can't need again.
    ///
    /// @param round the last of them
    public void used(long round) {
        ready.headMap(round, true).clear();
    }

    /// How the round of [#at] was written. Where processes only write, seconds that they took for
    /// it, and those that this one waited for it.
    public Map<String, Double> metrics() {
        return Map.copyOf(metrics);
    }

    private void begin(long round) {
        if (others.isPresent()) {
            others.get().begin(round, left, weights);
            underWay = OptionalLong.of(round);
        } else {
            writer.write(round, left).forEach(this::put);
        }
    }

    private void put(WrittenRound round) {
        left = round.left();
        ready.put(round.number(), round.withoutLeft());
    }

    /// Waits for the round that is being written, if one is. All processes that train call it.
    private void collect() {
        if (underWay.isEmpty()) {
            return;
        }
        try (var _ = clock.enter("rollout")) {
            RolloutRanks.Told told = others.orElseThrow().collect();
            WrittenRound.readAll(told.bytes()).forEach(this::put);
            metrics.merge("ranks/rollout_seconds", told.seconds(), Double::sum);
            metrics.merge("ranks/rollout_wait_seconds", told.waited(), Double::sum);
        } catch (IOException e) {
            throw new IllegalStateException("rollout ranks told something else", e);
        }
        underWay = OptionalLong.empty();
    }

    /// Writes rounds for the processes that train, until they have ended.
    public void serve() {
        // The others know when the run stops.
        StopRequest.watching(
                () -> false,
                () -> {
                    others.orElseThrow()
                            .serve(
                                    weights,
                                    (round, before) ->
                                            WrittenRound.bytes(writer.write(round, before)));
                    return null;
                });
    }

    /// Has the processes that only write end.
    public void end() {
        others.ifPresent(RolloutRanks::end);
    }

    @Override
    public void saving() {
        collect();
    }

    /// Writes the rounds that are there, after [#collect], and what the last one left under way.
    @Override
    public void save(Path folder) throws IOException {
        if (left.length > 0) {
            Files.write(folder.resolve(LEFT), left);
        }
        Files.write(folder.resolve(FILE), WrittenRound.bytes(ready.values()));
    }

    /// Reads them.
    ///
    /// @throws CheckpointException if the file is missing or holds something else
    @Override
    public void restore(Path folder) {
        Path file = folder.resolve(FILE);
        ready.clear();
        try {
            WrittenRound.readAll(Files.readAllBytes(file)).forEach(this::put);
            Path before = folder.resolve(LEFT);
            left = Files.exists(before) ? Files.readAllBytes(before) : new byte[0];
        } catch (IOException e) {
            throw new CheckpointException(
                    "%s can't be read: %s; resume from another checkpoint".formatted(file, e), e);
        }
    }
}
