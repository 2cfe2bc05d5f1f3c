package org.attune.agents.gym;

import org.attune.agents.environment.Environment;
import org.attune.agents.environment.EnvironmentFactory;
import org.attune.agents.environment.Opening;
import org.attune.agents.environment.Step;
import org.attune.agents.tool.Tool;
import org.attune.agents.tool.ToolContext;
import org.attune.agents.tool.ToolLimits;
import org.attune.agents.tool.ToolResult;
import org.attune.agents.tool.ToolSpec;
import org.attune.agents.wire.WireParameters;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeStart;
import org.attune.error.Excerpt;
import org.attune.error.Secrets;
import org.attune.json.Json;
import org.attune.json.JsonException;
import org.attune.reward.builtin.Parameters;
import org.attune.text.parse.ParsedTurn;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;

/// Episodes against a server of OpenEnv. Each has a WebSocket: the server keeps an environment for
/// each connection, and its HTTP requests `/reset` and `/step` forget between them.
///
/// With `action`, the name of an action's field, a turn's text is an action, and the observation is
/// what the model reads next. Without it the environment's tools are offered.
public final class OpenEnvEnvironments implements EnvironmentFactory {
    private static final Logger log = LoggerFactory.getLogger(OpenEnvEnvironments.class);

    private final URI url;
    private final Duration timeout;
    private final ToolLimits limits;
    private final String action;
    private final String observation;

    private OpenEnvEnvironments(Parameters parameters) {
        this.url = socket(WireParameters.url(parameters, "openenv"));
        this.timeout = WireParameters.timeout(parameters);
        this.limits = WireParameters.limits(parameters);
        this.action = parameters.text("action", "");
        this.observation = parameters.text("observation", "");
        parameters.check();
    }

    /// Reads `openenv`, the server's address; `action`; `observation`, the field that is shown (the
    /// whole observation as JSON if it isn't given); `timeout`, `slowness` and `max_characters` as
    /// for other servers.
    ///
    /// @throws org.attune.error.ConfigException with all that is wrong
    public static OpenEnvEnvironments of(Parameters parameters) {
        return new OpenEnvEnvironments(parameters);
    }

    private static URI socket(URI url) {
        String text = url.toString().replaceFirst("^http", "ws").replaceFirst("/$", "");
        return URI.create(text.endsWith("/ws") ? text : text + "/ws");
    }

    @Override
    public Environment make() {
        return new Session();
    }

    /// What follows from an action.
    private record Seen(Map<String, Object> observation, double reward, boolean isDone) {}

    /// The connection of an episode.
    private final class Session implements Environment {
        private final ReentrantLock one = new ReentrantLock();
        private SocketChat chat; // null before reset
        private List<Tool> tools = List.of();
        private double total;

        @Override
        public Opening reset(EpisodeStart start)
                throws IOException, TimeoutException, InterruptedException {
            chat = SocketChat.open(url, timeout);
            var data = new LinkedHashMap<>(start.row());
            data.put("seed", start.seed() & Integer.MAX_VALUE); // as numpy takes seeds
            Seen first = ask("reset", data);
            if (!action.isEmpty()) {
                return Opening.appended(shown(first));
            }
            tools = listed(ask("step", Map.of("type", "list_tools")));
            return Opening.NOTHING;
        }

        private List<Tool> listed(Seen seen) throws IOException {
            if (!(seen.observation().get("tools") instanceof List<?> list)) {
                throw new IOException(
                        "%s offers no tools; name the field of its actions by action: FIELD"
                                .formatted(Secrets.masked(url)));
            }
            var listed = new ArrayList<Tool>();
            for (Object tool : list) {
                if (!(tool instanceof Map<?, ?> map) || !(map.get("name") instanceof String name)) {
                    throw new IOException("a tool has no name: " + Excerpt.of(tool));
                }
                listed.add(
                        new ServedTool(
                                this,
                                new ToolSpec(
                                        name,
                                        map.get("description") instanceof String text ? text : "",
                                        object(map.get("input_schema"))),
                                limits));
            }
            return List.copyOf(listed);
        }

        @Override
        public List<Tool> tools() {
            return tools;
        }

        private ToolResult call(String tool, Map<String, Object> arguments)
                throws IOException, TimeoutException, InterruptedException {
            var call = new LinkedHashMap<String, Object>();
            call.put("type", "call_tool");
            call.put("tool_name", tool);
            call.put("arguments", arguments);
            Seen seen = ask("step", call);
            if (seen.observation().get("error") instanceof Map<?, ?> error) {
                return new ToolResult.Refused(String.valueOf(error.get("message")));
            }
            Object result = seen.observation().get("result");
            String text = text(object(result).getOrDefault("data", result)); // as its client does
            return seen.isDone() ? new ToolResult.Final(text) : new ToolResult.Ok(text);
        }

        @Override
        public Step step(ParsedTurn turn, int index)
                throws IOException, TimeoutException, InterruptedException {
            if (action.isEmpty()) {
                return Step.END;
            }
            Seen seen = ask("step", Map.of(action, turn.message().content()));
            return seen.isDone()
                    ? new Step.Done(seen.reward(), true)
                    : Step.observe(shown(seen), seen.reward());
        }

        /// The sum of what calls of tools were rewarded with; turns have theirs from [#step].
        @Override
        public OptionalDouble reward(Episode episode) {
            return action.isEmpty() ? OptionalDouble.of(total) : OptionalDouble.empty();
        }

        private Seen ask(String type, Map<String, Object> data)
                throws IOException, TimeoutException, InterruptedException {
            var message = new LinkedHashMap<String, Object>();
            message.put("type", type);
            message.put("data", data);
            one.lockInterruptibly();
            try {
                Seen seen = seen(chat.ask(Json.write(message)));
                total += seen.reward();
                return seen;
            } finally {
                one.unlock();
            }
        }

        @Override
        public void close() {
            if (chat == null) {
                return;
            }
            try {
                chat.tell("{\"type\": \"close\", \"data\": {}}");
            } catch (IOException | TimeoutException e) {
                log.debug("{} has ended the connection", Secrets.masked(url), e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            chat.close();
        }
    }

    private Seen seen(String answer) throws IOException {
        Map<String, Object> message;
        try {
            message = object(Json.parse(answer));
        } catch (JsonException e) {
            throw new IOException(
                    "%s answered no JSON: %s".formatted(Secrets.masked(url), Excerpt.of(answer)),
                    e);
        }
        Map<String, Object> data = object(message.get("data"));
        if (!"observation".equals(message.get("type"))) {
            Object why = data.get("message") == null ? message : data.get("message");
            throw new IOException("%s failed: %s".formatted(Secrets.masked(url), Excerpt.of(why)));
        }
        return new Seen(
                object(data.get("observation")),
                data.get("reward") instanceof Number reward ? reward.doubleValue() : 0,
                Boolean.TRUE.equals(data.get("done")));
    }

    private String shown(Seen seen) {
        return observation.isEmpty()
                ? Json.write(seen.observation())
                : text(seen.observation().get(observation));
    }

    private static String text(Object value) {
        return value instanceof String text ? text : Json.write(value);
    }

    @SuppressWarnings("unchecked") // keys of JSON objects are strings
    private static Map<String, Object> object(Object value) {
        return value instanceof Map<?, ?> map ? (Map<String, Object>) map : Map.of();
    }

    /// A tool that is an action.
    private record ServedTool(Session session, ToolSpec spec, ToolLimits limits) implements Tool {
        @Override
        public ToolResult call(Map<String, Object> arguments, ToolContext context)
                throws IOException, TimeoutException, InterruptedException {
            return session.call(spec.name(), arguments);
        }
    }
}
