package org.attune.agents.record;

import org.attune.agents.environment.Environment;
import org.attune.agents.environment.EnvironmentFactory;
import org.attune.agents.environment.Opening;
import org.attune.agents.environment.Step;
import org.attune.agents.spec.RunTools;
import org.attune.agents.tool.Tool;
import org.attune.agents.tool.ToolContext;
import org.attune.agents.tool.ToolLimits;
import org.attune.agents.tool.ToolResult;
import org.attune.agents.tool.ToolSet;
import org.attune.agents.tool.ToolSetFactory;
import org.attune.agents.tool.ToolSpec;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeStart;
import org.attune.episode.ToolOutcome;
import org.attune.text.parse.ParsedTurn;

import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// Lets a new policy meet a recorded world: a call that was made before in an episode of the same
/// row gets the answer that it got then, and the tool itself isn't called. Thread-safe.
///
/// @param answers of the recording
/// @param miss what becomes of other calls
public record RecordedWorld(RecordedAnswers answers, Miss miss) {
    private static final String ERROR = "error: ";
    private static final String UNKNOWN = "this call was not made when the world was recorded";

    /// Has all of a run's tools and environments answer as recorded.
    ///
    /// @param live the run's; closed with the result
    public RunTools over(RunTools live) {
        Map<String, EnvironmentFactory> environments = new LinkedHashMap<>();
        live.environments().forEach((name, made) -> environments.put(name, environments(made)));
        return new RunTools(live.tools().stream().map(this::tools).toList(), environments);
    }

    /// Tools that answer as recorded.
    ///
    /// @param live the tools themselves; closed with the result
    public ToolSetFactory tools(ToolSetFactory live) {
        return new ToolSetFactory() {
            @Override
            public ToolSet open(EpisodeStart start) throws Exception {
                ToolSet set = live.open(start);
                return ToolSet.of(new Calls(start).over(set.tools()), set::close);
            }

            @Override
            public void close() {
                live.close();
            }
        };
    }

    /// Environments whose tools answer as recorded. How an episode begins, answers to turns without
    /// calls and rewards come from the environment itself, which doesn't hear of recorded calls.
    ///
    /// @param live the environments themselves; closed with the result
    public EnvironmentFactory environments(EnvironmentFactory live) {
        return new EnvironmentFactory() {
            @Override
            public Environment make() throws Exception {
                return new World(live.make());
            }

            @Override
            public void close() {
                live.close();
            }
        };
    }

    /// Calls that an episode has made.
    private final class Calls {
        private final EpisodeStart episode;
        private final Map<String, Integer> made = new HashMap<>();

        Calls(EpisodeStart episode) {
            this.episode = episode;
        }

        Optional<ToolOutcome> next(String tool, Map<String, Object> arguments) {
            int occurrence;
            synchronized (made) {
                String call = RecordedAnswers.call(tool, arguments);
                occurrence = made.merge(call, 1, Integer::sum) - 1;
            }
            return answers.find(episode, tool, arguments, occurrence);
        }

        List<Tool> over(List<Tool> tools) {
            return tools.stream().<Tool>map(tool -> new Recorded(tool, this)).toList();
        }
    }

    private final class Recorded implements Tool {
        private final Tool live;
        private final Calls calls;

        Recorded(Tool live, Calls calls) {
            this.live = live;
            this.calls = calls;
        }

        @Override
        public ToolSpec spec() {
            return live.spec();
        }

        @Override
        public ToolLimits limits() {
            return live.limits();
        }

        @Override
        public ToolResult call(Map<String, Object> arguments, ToolContext context)
                throws Exception {
            Optional<ToolOutcome> recorded = calls.next(spec().name(), arguments);
            if (recorded.isPresent()) {
                return result(recorded.get());
            }
            return switch (miss) {
                case LIVE -> live.call(arguments, context);
                case REFUSE -> new ToolResult.Refused(UNKNOWN);
                case END -> new ToolResult.Final(UNKNOWN);
            };
        }

        private static ToolResult result(ToolOutcome recorded) {
            String text = recorded.text();
            return switch (recorded.kind()) {
                case OK -> new ToolResult.Ok(text);
                case FINAL -> new ToolResult.Final(text);
                default ->
                        new ToolResult.Refused(
                                text.startsWith(ERROR) ? text.substring(ERROR.length()) : text);
            };
        }
    }

    private final class World implements Environment {
        private final Environment live;
        private Calls calls;

        World(Environment live) {
            this.live = live;
        }

        @Override
        public Opening reset(EpisodeStart start) throws Exception {
            calls = new Calls(start);
            return live.reset(start);
        }

        @Override
        public List<Tool> tools() {
            return calls.over(live.tools());
        }

        @Override
        public Step step(ParsedTurn turn, int index) throws Exception {
            return live.step(turn, index);
        }

        @Override
        public OptionalDouble reward(Episode episode) throws Exception {
            return live.reward(episode);
        }

        @Override
        public Map<String, Object> state() {
            return live.state();
        }

        @Override
        public void close() throws IOException {
            live.close();
        }
    }
}
