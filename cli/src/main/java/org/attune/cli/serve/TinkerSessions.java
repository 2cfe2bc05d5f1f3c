package org.attune.cli.serve;

import org.attune.serve.ApiException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/// The sessions of clients, with the trainings and samplers that belong to them. A session that
/// nobody uses for a time ends. Thread-safe.
final class TinkerSessions implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(TinkerSessions.class);
    private static final int MOST_SESSIONS = 1000;
    private static final int MOST_SAMPLERS = 64; // with weights
    private static final int COPIES = 4; // of a training's weights, the newest

    private final int mostRuns;
    private final Duration idle;
    private final Map<String, Long> used = new LinkedHashMap<>(); // System.nanoTime()
    private final Map<String, TinkerRun> runs = new LinkedHashMap<>();
    private final Map<String, TinkerSampler> samplers = new LinkedHashMap<>(); // the oldest first
    private int opening;
    private boolean closed;

    /// @param mostRuns adapters that are trained at a time
    /// @param idle after which a session ends that nobody uses
    TinkerSessions(int mostRuns, Duration idle) {
        this.mostRuns = mostRuns;
        this.idle = idle;
    }

    /// Begins a session.
    ///
    /// @return its id
    synchronized String open() {
        if (used.size() >= MOST_SESSIONS) {
            throw new ApiException(
                    429, "too_many_sessions", "there are %d sessions".formatted(MOST_SESSIONS));
        }
        String id = "s" + UUID.randomUUID().toString().replace("-", "");
        used.put(id, System.nanoTime());
        return id;
    }

    /// Notes that a session is in use.
    ///
    /// @throws ApiException if there is none of this id
    synchronized void touch(String session) {
        if (used.replace(session, System.nanoTime()) == null) {
            throw new ApiException(
                    404,
                    "not_found",
                    "there is no such session, or nobody used it for %d minutes and it ended"
                            .formatted(idle.toMinutes()));
        }
    }

    /// Reserves a place for another training, until [#add] or [#giveUp].
    ///
    /// @throws ApiException if there is none
    synchronized void reserve() {
        if (runs.size() + opening >= mostRuns) {
            throw new ApiException(
                    429,
                    "too_many_trainings",
                    "%d adapters are trained already, as many as --tinker-adapters allows; end one, or come back later"
                            .formatted(mostRuns));
        }
        opening++;
    }

    synchronized void giveUp() {
        opening--;
    }

    /// Takes a training into its place.
    synchronized void add(TinkerRun run) {
        opening--;
        if (closed || !used.containsKey(run.session())) {
            run.close();
            throw new ApiException(404, "not_found", "the session has ended");
        }
        runs.put(run.id(), run);
    }

    /// @throws ApiException if no adapter is trained under this id
    synchronized TinkerRun run(String id) {
        TinkerRun run = runs.get(id);
        if (run == null) {
            throw new ApiException(
                    404,
                    "not_found",
                    "there is no training of this id, or it has ended; load a checkpoint into a new"
                            + " one");
        }
        used.replace(run.session(), System.nanoTime());
        return run;
    }

    /// Ends a training; copies of its weights stay.
    void end(TinkerRun run) {
        synchronized (this) {
            runs.remove(run.id());
        }
        run.close();
    }

    /// Takes a sampler in. Of copies of one training's weights the newest stay.
    ///
    /// @throws ApiException if there are too many
    void add(TinkerSampler sampler, String run) {
        List<TinkerSampler> old = new ArrayList<>();
        synchronized (this) {
            if (closed || !used.containsKey(sampler.session())) {
                throw new ApiException(404, "not_found", "the session has ended");
            }
            List<TinkerSampler> copies =
                    samplers.values().stream().filter(s -> s.isCopyOf(run)).toList();
            if (sampler.isCopyOf(run) && copies.size() >= COPIES) {
                old.addAll(copies.subList(0, copies.size() - COPIES + 1));
                old.forEach(s -> samplers.remove(s.id()));
            }
            if (sampler.hasWeights()
                    && samplers.values().stream().filter(TinkerSampler::hasWeights).count()
                            >= MOST_SAMPLERS) {
                throw new ApiException(
                        429,
                        "too_many_samplers",
                        "%d adapters are sampled from already; end a session"
                                .formatted(MOST_SAMPLERS));
            }
            samplers.put(sampler.id(), sampler);
        }
        old.forEach(TinkerSampler::close);
    }

    /// @throws ApiException if there is none of this id
    synchronized TinkerSampler sampler(String id) {
        TinkerSampler sampler = samplers.get(id);
        if (sampler == null) {
            throw new ApiException(
                    404,
                    "not_found",
                    "there is no sampler of this id: its session has ended, or it had earlier weights of a training, of which the newest %d stay"
                            .formatted(COPIES));
        }
        used.replace(sampler.session(), System.nanoTime());
        return sampler;
    }

    synchronized boolean hasSampler(String id) {
        return samplers.containsKey(id);
    }

    /// Ends a session with all that belongs to it.
    ///
    /// @throws ApiException if there is none of this id
    void end(String session) {
        List<AutoCloseable> ended;
        synchronized (this) {
            touch(session);
            used.remove(session);
            ended = take(session);
        }
        close(ended);
    }

    /// Ends sessions that nobody uses.
    void sweep() {
        List<AutoCloseable> ended = new ArrayList<>();
        synchronized (this) {
            long now = System.nanoTime();
            runs.values().stream()
                    .filter(TinkerRun::isWorking)
                    .forEach(run -> used.replace(run.session(), now));
            List<String> old =
                    used.entrySet().stream()
                            .filter(e -> now - e.getValue() > idle.toNanos())
                            .map(Map.Entry::getKey)
                            .toList();
            for (String session : old) {
                LOG.info("a session that nobody used for {} minutes ends", idle.toMinutes());
                used.remove(session);
                ended.addAll(take(session));
            }
        }
        close(ended);
    }

    private List<AutoCloseable> take(String session) {
        List<AutoCloseable> ended = new ArrayList<>();
        ended.addAll(runs.values().stream().filter(r -> r.session().equals(session)).toList());
        ended.addAll(samplers.values().stream().filter(s -> s.session().equals(session)).toList());
        runs.values().removeIf(r -> r.session().equals(session));
        samplers.values().removeIf(s -> s.session().equals(session));
        return ended;
    }

    private static void close(List<AutoCloseable> ended) {
        for (AutoCloseable one : ended) {
            try {
                one.close();
            } catch (Exception e) {
                LOG.warn("a part of a session didn't close", e);
            }
        }
    }

    /// Ends all sessions.
    @Override
    public void close() {
        List<AutoCloseable> ended = new ArrayList<>();
        synchronized (this) {
            closed = true;
            for (String session : List.copyOf(used.keySet())) {
                ended.addAll(take(session));
            }
            used.clear();
        }
        close(ended);
    }
}
