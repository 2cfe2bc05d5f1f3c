package org.attune.agents.loop;

import org.attune.episode.Episode;
import org.attune.error.RolloutException;
import org.attune.error.StopRequest;
import org.attune.error.StoppedException;
import org.attune.rollout.SampledTurn;
import org.attune.rollout.TurnSampler;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/// One call of [EpisodeRun], on the engine's thread. Time is counted in steps of the sampler: an
/// episode that goes to its world at one step is waited for so many steps later ([Pace]), and until
/// then the others get tokens. Conversation c of episode i is sequence `i + c N` of the sampler,
/// with N episodes. Read [#run], then [#takeUp].
final class EpisodeRound {

    private static final long LOOK_MILLIS = 100; // for a wish to stop, while nothing happens
    private static final Duration CLOSING = Duration.ofSeconds(15);

    private final EpisodeSetup setup;
    private final List<EpisodeTask> tasks;
    private final TurnSampler sampler;
    private final EpisodeListener listener;
    private final BlockingQueue<Ask> asks = new LinkedBlockingQueue<>();
    private final List<Live> live = new ArrayList<>(); // under way, in the order of their begin
    private final Episode[] episodes;
    private long waited; // nanoseconds, for worlds
    private int begun;
    private int ended;
    private long now; // steps so far

    EpisodeRound(
            EpisodeSetup setup,
            List<EpisodeTask> tasks,
            TurnSampler sampler,
            EpisodeListener listener) {
        this.setup = setup;
        this.tasks = List.copyOf(tasks);
        this.sampler = sampler;
        this.listener = listener;
        episodes = new Episode[tasks.size()];
    }

    /// An episode under way.
    private final class Live {
        final int place;
        final EpisodeThread thread;
        final ArrayDeque<Ask> told = new ArrayDeque<>(); // not looked at yet
        boolean sampling;
        boolean away;
        long due = now;
        long deadline = Long.MAX_VALUE;
        TurnReader reader = TurnReader.NONE;
        int sequence; // of the conversation that has the turn
        int conversations = 1;

        Live(int place) {
            sequence = place;
            this.place = place;
            thread = new EpisodeThread(place, setup, tasks.get(place), sampler.stopStrings(), asks);
        }

        /// Whether the episode's turn is to be cut.
        boolean isOver(long time) {
            boolean late = deadline != Long.MAX_VALUE && time - deadline >= 0;
            return sampling && (late || reader.isGone());
        }

        /// Gives one of its conversations the turn. The others may never have another one, so they
        /// keep no place from those who wait.
        void turnsTo(int conversation) {
            int next = place + conversation * tasks.size();
            if (next != sequence) {
                sampler.leave(sequence);
            }
            sequence = next;
            conversations = Math.max(conversations, conversation + 1);
            sampling = true;
        }

        void endSequences() {
            for (int c = 0; c < conversations; c++) {
                sampler.end(place + c * tasks.size());
            }
        }

        void sampled(int id) {
            if (reader != TurnReader.NONE) {
                thread.give(id);
            }
        }
    }

    List<Episode> run() {
        try {
            beginMore();
            while (ended < tasks.size()) {
                StopRequest.check();
                takeUp();
                long time = System.nanoTime();
                live.stream().filter(l -> l.isOver(time)).forEach(l -> sampler.cut(l.sequence));
                if (sampler.isBusy()) {
                    step();
                } else if (ended < tasks.size()) {
                    skip();
                }
            }
            return List.of(episodes);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StoppedException();
        } finally {
            close();
        }
    }

    private void beginMore() {
        int most = setup.config().episodesInFlight().orElse(2 * sampler.slots());
        while (begun < tasks.size() && live.size() < most) {
            var next = new Live(begun++);
            live.add(next);
            next.thread.start();
        }
    }

    /// One token for those that get some, and turns to those whose turn has ended.
    private void step() {
        List<SampledTurn> turns = new ArrayList<>();
        sampler.step(
                new TurnSampler.Listener() {
                    @Override
                    public void sampled(int sequence, int id) {
                        at(sequence).sampled(id);
                    }

                    @Override
                    public void ended(SampledTurn turn) {
                        turns.add(turn);
                    }
                });
        now++;
        for (SampledTurn turn : turns) {
            Live one = at(turn.sequence());
            one.sampling = false;
            one.away = false;
            one.due = now;
            if (one.reader.isGone()) {
                sampler.leave(turn.sequence());
            }
            one.thread.give(turn);
        }
    }

    /// @param sequence of one of its conversations; that of the first is its place
    private Live at(int sequence) {
        int place = sequence % tasks.size();
        return live.stream().filter(l -> l.place == place).findFirst().orElseThrow();
    }

    /// Nothing gets tokens: on to when the next episode is due.
    private void skip() throws InterruptedException {
        if (setup.config().pace().isExact()) {
            now = live.stream().filter(l -> !l.sampling).mapToLong(l -> l.due).min().orElse(now);
        } else {
            await();
        }
    }

    private void await() throws InterruptedException {
        long before = System.nanoTime();
        Ask ask = asks.poll(LOOK_MILLIS, TimeUnit.MILLISECONDS);
        waited += System.nanoTime() - before;
        receive(ask);
    }

    /// Seconds in which nothing got tokens because all were with their worlds.
    double waitedSeconds() {
        return waited / 1e9;
    }

    /// Does what episodes ask for that are due.
    private void takeUp() throws InterruptedException {
        receiveAll();
        for (Optional<Live> next = nextDue(); next.isPresent(); next = nextDue()) {
            Live one = next.get();
            while (one.told.isEmpty()) {
                StopRequest.check();
                await();
            }
            act(one, one.told.remove());
        }
    }

    /// The episode that was due first, of those that nothing is sampled for.
    private Optional<Live> nextDue() {
        boolean exact = setup.config().pace().isExact();
        return live.stream()
                .filter(l -> !l.sampling)
                .filter(l -> exact || !l.away ? l.due <= now : !l.told.isEmpty())
                .min((a, b) -> a.due != b.due ? Long.compare(a.due, b.due) : a.place - b.place);
    }

    private void receiveAll() {
        for (Ask ask = asks.poll(); ask != null; ask = asks.poll()) {
            receive(ask);
        }
    }

    private void receive(Ask ask) {
        if (ask instanceof Ask.Broken(int place, Throwable cause)) {
            throw broken(place, cause);
        }
        if (ask != null) {
            at(ask.place()).told.add(ask);
        }
    }

    private static RuntimeException broken(int place, Throwable cause) {
        return switch (cause) {
            case Error error -> throw error;
            case RuntimeException known
                    when known.getClass().getPackageName().startsWith("org.attune") ->
                    known;
            default -> new RolloutException("episode %d: %s".formatted(place, cause), cause);
        };
    }

    private void act(Live one, Ask ask) {
        switch (ask) {
            case Ask.Begin(
                            var _,
                            var conversation,
                            var prompt,
                            var most,
                            var drawn,
                            var deadline,
                            var reader) -> {
                one.deadline = deadline;
                one.reader = reader;
                one.turnsTo(conversation);
                sampler.begin(one.sequence, prompt, most, drawn);
            }
            case Ask.GoOn(var _, var conversation, var observed, var most, var reader) -> {
                one.reader = reader;
                one.turnsTo(conversation);
                sampler.goOn(one.sequence, observed, most);
            }
            case Ask.Away(var _) -> {
                one.away = true;
                one.due = now + setup.config().pace().steps();
            }
            case Ask.Abandon(var _) -> one.endSequences();
            case Ask.Ended(var place, var episode) -> {
                one.endSequences();
                live.remove(one);
                episodes[place] = episode;
                ended++;
                listener.ended(place, episode);
                beginMore();
            }
            case Ask.Broken(var place, var cause) -> throw broken(place, cause);
        }
    }

    /// Ends what is still under way, because something failed.
    private void close() {
        live.forEach(one -> one.thread.interrupt());
        live.forEach(Live::endSequences);
        long end = System.nanoTime() + CLOSING.toNanos();
        for (Live one : live) {
            try {
                one.thread.join(Duration.ofNanos(Math.max(1, end - System.nanoTime())));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }
}
