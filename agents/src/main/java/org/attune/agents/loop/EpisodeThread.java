package org.attune.agents.loop;

import org.attune.agents.tool.WorldFailedException;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeStart;
import org.attune.rollout.SampledTurn;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/// The thread of one episode: attempts until one comes to its end, or too many worlds have failed.
/// It talks to the engine's thread by [Ask]s, and waits for its turns.
final class EpisodeThread implements EpisodeDesk, Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(EpisodeThread.class);

    /// Worlds that need longer to open have failed.
    private static final Duration OPENING_LIMIT = Duration.ofMinutes(5);

    private final int place;
    private final EpisodeSetup setup;
    private final EpisodeTask task;
    private final BlockingQueue<Ask> asks;
    private final BlockingQueue<Heard> heard = new LinkedBlockingQueue<>();
    private final List<String> stops;
    private final Thread thread;
    private boolean away;

    /// What the engine's thread tells it.
    private sealed interface Heard {
        record Token(int id) implements Heard {}

        record Ended(SampledTurn turn) implements Heard {}
    }

    /// @param stops texts that end a turn
    /// @param asks where the engine's thread looks for what it is asked
    EpisodeThread(
            int place,
            EpisodeSetup setup,
            EpisodeTask task,
            List<String> stops,
            BlockingQueue<Ask> asks) {
        this.place = place;
        this.setup = setup;
        this.task = task;
        this.stops = stops;
        this.asks = asks;
        thread = Thread.ofVirtual().name("episode-" + place).unstarted(this);
    }

    void start() {
        thread.start();
    }

    /// Gives it a token of the turn that it waits for. On the engine's thread.
    void give(int id) {
        heard.add(new Heard.Token(id));
    }

    /// Gives it the turn that it waits for. On the engine's thread.
    void give(SampledTurn turn) {
        heard.add(new Heard.Ended(turn));
    }

    /// Ends the episode wherever it is.
    void interrupt() {
        thread.interrupt();
    }

    /// Waits for its end, which closes its world, for a while at most.
    void join(Duration most) throws InterruptedException {
        thread.join(most);
    }

    @Override
    public void run() {
        try {
            asks.put(new Ask.Ended(place, attempts()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the round is over
        } catch (RuntimeException | Error e) {
            asks.add(new Ask.Broken(place, e));
        }
    }

    private Episode attempts() throws InterruptedException {
        for (int attempt = 0; ; attempt++) {
            var begun = new EpisodeTask(start(attempt), task.prompt(), task.promptIds());
            boolean last = attempt == setup.config().episodeRetries();
            Optional<Episode> episode = attempt(begun, last);
            if (episode.isPresent()) {
                return episode.get();
            }
            abandon();
        }
    }

    private EpisodeStart start(int attempt) {
        EpisodeStart first = task.start();
        return new EpisodeStart(first.id(), first.row(), first.seed(), first.member(), attempt);
    }

    private Optional<Episode> attempt(EpisodeTask begun, boolean last) throws InterruptedException {
        EpisodeWorld world;
        try {
            world = open(begun.start());
        } catch (WorldFailedException e) {
            LOG.warn("{}: {}", told(begun, last), e.getMessage());
            LOG.debug("where it failed", e);
            var none = new EpisodeWorld(List.of(), Optional.empty(), "");
            return last
                    ? Optional.of(new EpisodeAttempt(setup, begun, none, this).failed())
                    : Optional.empty();
        }
        EpisodeStory story =
                setup.worlds().agent().isPresent()
                        ? new AgentAttempt(setup, begun, setup.worlds().agent().get(), this)
                        : new EpisodeAttempt(setup, begun, world, this);
        try {
            return Optional.of(story.play());
        } catch (WorldFailedException e) {
            LOG.warn("{}: {}", told(begun, last), e.getMessage());
            LOG.debug("where it failed", e);
            return last ? Optional.of(story.failed()) : Optional.empty();
        } finally {
            close(world);
        }
    }

    private static String told(EpisodeTask begun, boolean last) {
        EpisodeStart start = begun.start();
        return "the world of episode %d of round %d failed at attempt %d, and the episode %s"
                .formatted(
                        start.id().place(),
                        start.id().round(),
                        start.attempt() + 1,
                        last ? "ends without a reward" : "begins again");
    }

    private EpisodeWorld open(EpisodeStart start)
            throws WorldFailedException, InterruptedException {
        if (setup.worlds().isEmpty()) {
            return new EpisodeWorld(List.of(), Optional.empty(), "");
        }
        isAway();
        return new WorldCalls(OPENING_LIMIT)
                .call("opening the world", () -> setup.worlds().open(start));
    }

    private void close(EpisodeWorld world) throws InterruptedException {
        if (setup.worlds().isEmpty()) {
            return;
        }
        try {
            new WorldCalls(Duration.ofSeconds(10))
                    .call(
                            "closing the world",
                            () -> {
                                world.close();
                                return world;
                            });
        } catch (WorldFailedException e) {
            LOG.warn("episode {}: {}", place, e.getMessage());
        }
    }

    @Override
    public SampledTurn begin(
            int conversation, int[] prompt, int most, int drawn, long deadline, TurnReader reader)
            throws InterruptedException {
        away = false;
        asks.put(new Ask.Begin(place, conversation, prompt, most, drawn, deadline, reader));
        return turn(reader);
    }

    @Override
    public SampledTurn goOn(int conversation, int[] observed, int most, TurnReader reader)
            throws InterruptedException {
        away = false;
        asks.put(new Ask.GoOn(place, conversation, observed, most, reader));
        return turn(reader);
    }

    private SampledTurn turn(TurnReader reader) throws InterruptedException {
        while (true) {
            switch (heard.take()) {
                case Heard.Token(int id) -> reader.sampled(id);
                case Heard.Ended(SampledTurn turn) -> {
                    return turn;
                }
            }
        }
    }

    @Override
    public List<String> stopStrings() {
        return stops;
    }

    @Override
    public void isAway() {
        if (!away) {
            away = true;
            asks.add(new Ask.Away(place));
        }
    }

    @Override
    public void abandon() {
        asks.add(new Ask.Abandon(place));
    }
}
