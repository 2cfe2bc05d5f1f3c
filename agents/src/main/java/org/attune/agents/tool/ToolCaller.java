package org.attune.agents.tool;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.api.Api;
import org.attune.episode.EpisodeStart;
import org.attune.episode.ToolOutcome;
import org.attune.error.ConfigException;
import org.attune.error.Excerpt;
import org.attune.error.Spelling;
import org.attune.text.parse.ToolCall;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// Runs the calls of turns. The calls of one turn run at the same time, and their outcomes come in
/// the order of the calls. A call is started at most once. One that takes longer than its tool's
/// limit is interrupted and left behind, so a tool that never ends keeps its thread, but nothing
/// else. Thread-safe; one serves a run.
///
/// Calls run on platform threads: a tool that computes without end would keep one of the few
/// threads that carry all virtual ones.
@Api(EXPERIMENTAL)
public final class ToolCaller implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(ToolCaller.class);

    private final ExecutorService threads =
            Executors.newCachedThreadPool(Thread.ofPlatform().daemon().name("tool-", 0).factory());
    private final Map<ToolSpec, ArgumentSchema> schemas = new ConcurrentHashMap<>();

    /// Looks whether tools can be offered together.
    ///
    /// @throws ConfigException if two have one name, or a schema can't be used
    public void check(List<Tool> tools) {
        var names = new ArrayList<String>();
        for (Tool tool : tools) {
            String name = tool.spec().name();
            if (names.contains(name)) {
                throw new ConfigException(
                        "two tools are called \"%s\"; a model could call neither of them"
                                .formatted(name));
            }
            names.add(name);
            schema(tool);
        }
    }

    private ArgumentSchema schema(Tool tool) {
        return schemas.computeIfAbsent(tool.spec(), ArgumentSchema::of);
    }

    /// Runs the calls of one turn and waits for all of them.
    ///
    /// What is the model's fault becomes an outcome whose text begins with `error: `: a tool that
    /// is unknown, arguments that don't fit, what a tool refuses, and slowness where the tool says
    /// so.
    ///
    /// @param tools of the episode
    /// @param turn of the episode, from 0
    /// @return an outcome for each call, in order
    /// @throws WorldFailedException if a tool threw something else than [IllegalArgumentException],
    ///     or took too long; the other calls are interrupted
    /// @throws InterruptedException if this thread was interrupted, with the calls
    public List<ToolOutcome> call(
            List<Tool> tools, List<ToolCall> calls, EpisodeStart episode, int turn)
            throws WorldFailedException, InterruptedException {
        var running = new ArrayList<Running>();
        try {
            for (int i = 0; i < calls.size(); i++) {
                running.add(start(tools, calls.get(i), episode, turn, i));
            }
            var outcomes = new ArrayList<ToolOutcome>();
            for (Running one : running) {
                outcomes.add(one.outcome());
            }
            return outcomes;
        } finally {
            running.forEach(Running::abandon); // does nothing to those that have ended
        }
    }

    private Running start(
            List<Tool> tools, ToolCall call, EpisodeStart episode, int turn, int index) {
        long started = System.nanoTime();
        Optional<Tool> found =
                tools.stream().filter(tool -> tool.spec().name().equals(call.name())).findFirst();
        if (found.isEmpty()) {
            return new Running(
                    call,
                    ToolLimits.DEFAULT,
                    started,
                    CompletableFuture.completedFuture(
                            unknown(tools, call.name())
                                    .outcome(call, ToolLimits.DEFAULT, started)));
        }
        Tool tool = found.get();
        Instant deadline = Instant.now().plus(tool.limits().timeout());
        var random = RandomSource.SPLIT_MIX_64.create(seed(episode.seed(), turn, index));
        var context = new ToolContext(episode, turn, index, random, deadline);
        return new Running(
                call,
                tool.limits(),
                started,
                threads.submit(
                        () ->
                                answer(tool, schema(tool), call, context)
                                        .outcome(call, tool.limits(), started)));
    }

    /// Equal calls of the episodes of one prompt draw the same.
    private static long seed(long episode, int turn, int call) {
        return RandomSource.SPLIT_MIX_64.create(episode).nextLong() ^ ((long) turn << 32 | call);
    }

    private static Answer unknown(List<Tool> tools, String name) {
        List<String> names = tools.stream().map(tool -> tool.spec().name()).toList();
        String near =
                Spelling.nearest(name, names).map(n -> "; did you mean \"" + n + "\"?").orElse(".");
        String known =
                names.isEmpty()
                        ? "There are no tools."
                        : "The tools are: " + String.join(", ", names);
        return Answer.error(
                ToolOutcome.Kind.UNKNOWN_TOOL,
                "there is no tool \"%s\"%s %s".formatted(Excerpt.of(name), near, known));
    }

    private static Answer answer(
            Tool tool, ArgumentSchema schema, ToolCall call, ToolContext context) throws Exception {
        Map<String, Object> arguments;
        try {
            arguments = schema.fit(call.arguments());
        } catch (MisfitException e) {
            return Answer.error(ToolOutcome.Kind.BAD_ARGUMENTS, e.getMessage());
        }
        try {
            return Answer.of(tool.call(arguments, context));
        } catch (TimeoutException e) {
            if (!tool.limits().isSlownessTheModels()) {
                throw e;
            }
            return Answer.error(ToolOutcome.Kind.TIMED_OUT, e.getMessage());
        } catch (IllegalArgumentException e) {
            String why = e.getMessage() == null ? "it refuses these arguments" : e.getMessage();
            return Answer.error(ToolOutcome.Kind.REFUSED, why);
        }
    }

    /// Interrupts what runs. Waits for nothing.
    @Override
    public void close() {
        threads.shutdownNow();
    }

    /// What came of a call.
    private record Answer(ToolOutcome.Kind kind, String text) {
        static Answer error(ToolOutcome.Kind kind, String why) {
            return new Answer(kind, "error: " + why);
        }

        ToolOutcome outcome(ToolCall call, ToolLimits limits, long started) {
            return new ToolOutcome(call, kind, limits.shortened(text), System.nanoTime() - started);
        }

        static Answer of(ToolResult result) {
            return switch (result) {
                case ToolResult.Ok ok -> new Answer(ToolOutcome.Kind.OK, ok.text());
                case ToolResult.Final last -> new Answer(ToolOutcome.Kind.FINAL, last.text());
                case ToolResult.Refused refused -> error(ToolOutcome.Kind.REFUSED, refused.text());
                case null -> throw new IllegalStateException("the tool returned null");
            };
        }
    }

    /// A call that was started.
    private record Running(
            ToolCall call, ToolLimits limits, long started, Future<ToolOutcome> answer) {
        ToolOutcome outcome() throws WorldFailedException, InterruptedException {
            long left = started + limits.timeout().toNanos() - System.nanoTime();
            try {
                return answer.get(Math.max(left, 0), TimeUnit.NANOSECONDS);
            } catch (TimeoutException e) {
                abandon();
                String slow = "no answer within %s s".formatted(seconds());
                if (!limits.isSlownessTheModels()) {
                    throw new WorldFailedException(told(slow), e);
                }
                log.debug("{}", told(slow));
                return Answer.error(ToolOutcome.Kind.TIMED_OUT, slow)
                        .outcome(call, limits, started);
            } catch (ExecutionException e) {
                throw new WorldFailedException(told(String.valueOf(e.getCause())), e.getCause());
            }
        }

        private String told(String what) {
            return "tool \"%s\": %s".formatted(call.name(), what);
        }

        private String seconds() {
            double seconds = limits.timeout().toNanos() / 1e9;
            return seconds == Math.rint(seconds)
                    ? String.valueOf((long) seconds)
                    : String.valueOf(seconds);
        }

        void abandon() {
            answer.cancel(true);
        }
    }
}
