package org.attune.agents.gym;

import org.attune.agents.environment.Environment;
import org.attune.agents.environment.EnvironmentFactory;
import org.attune.agents.environment.Opening;
import org.attune.agents.tool.Tool;
import org.attune.agents.tool.ToolContext;
import org.attune.agents.tool.ToolLimits;
import org.attune.agents.tool.ToolResult;
import org.attune.agents.tool.ToolSpec;
import org.attune.agents.wire.WireParameters;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeStart;
import org.attune.error.DatasetException;
import org.attune.error.Excerpt;
import org.attune.error.Secrets;
import org.attune.http.HttpAsk;
import org.attune.json.Json;
import org.attune.json.JsonException;
import org.attune.program.LineProgram;
import org.attune.reward.builtin.Parameters;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.TimeoutException;

/// Episodes against a resources server of NeMo-Gym, as its simple agent has them: `/seed_session`
/// with the row, a call posted to the path of its tool's name, `/verify` at the end, which gives a
/// reward. A row is one of NeMo-Gym: its tools are in `responses_create_params`. The session is
/// kept by cookies.
public final class NemoGymEnvironments implements EnvironmentFactory {
    private static final String PARAMETERS = "responses_create_params";

    private final URI url;
    private final Duration timeout;
    private final ToolLimits limits;
    private final boolean isDoneFlagUsed;

    private NemoGymEnvironments(
            URI url, Duration timeout, ToolLimits limits, boolean isDoneFlagUsed) {
        this.url = url;
        this.timeout = timeout;
        this.limits = limits;
        this.isDoneFlagUsed = isDoneFlagUsed;
    }

    /// Reads `nemo_gym`, the server's address; `timeout`, `slowness` and `max_characters` as for
    /// other servers; and `use_done_flag`: whether a result `{"done": true}` ends the episode.
    ///
    /// @throws org.attune.error.ConfigException with all that is wrong
    public static NemoGymEnvironments of(Parameters parameters) {
        URI url = WireParameters.url(parameters, "nemo_gym");
        var made =
                new NemoGymEnvironments(
                        url,
                        WireParameters.timeout(parameters),
                        WireParameters.limits(parameters),
                        parameters.flag("use_done_flag", false));
        parameters.check();
        return made;
    }

    @Override
    public Environment make() {
        return new Session();
    }

    /// What the server answered.
    private record Reply(int status, String body) {
        void requireSuccess(String what) throws IOException {
            if (status / 100 != 2) {
                throw new IOException(
                        "%s answered with status %d: %s".formatted(what, status, Excerpt.of(body)));
            }
        }
    }

    /// The session of an episode.
    private final class Session implements Environment {
        private final Map<String, String> cookies = new LinkedHashMap<>(); // guarded by itself
        private Map<String, Object> row = Map.of();

        @Override
        public Opening reset(EpisodeStart start)
                throws IOException, TimeoutException, InterruptedException {
            row = start.row();
            post("seed_session", row).requireSuccess(Secrets.masked(url) + "/seed_session");
            return Opening.NOTHING;
        }

        @Override
        public List<Tool> tools() {
            if (!(row.get(PARAMETERS) instanceof Map<?, ?> given)) {
                throw new DatasetException(
                        "a row for NeMo-Gym needs %s, has %s".formatted(PARAMETERS, row.keySet()));
            }
            var tools = new ArrayList<Tool>();
            if (given.get("tools") instanceof List<?> list) {
                list.forEach(tool -> tools.add(new ServedTool(this, spec(tool), limits)));
            }
            return tools;
        }

        @SuppressWarnings("unchecked") // keys of JSON objects are strings
        private static ToolSpec spec(Object tool) {
            if (!(tool instanceof Map<?, ?> map) || !(map.get("name") instanceof String name)) {
                throw new DatasetException("a tool of a row has no name: " + Excerpt.of(tool));
            }
            return new ToolSpec(
                    name,
                    map.get("description") instanceof String text ? text : "",
                    map.get("parameters") instanceof Map<?, ?> schema
                            ? (Map<String, Object>) schema
                            : Map.of("type", "object", "properties", Map.of()));
        }

        private ToolResult call(String tool, Map<String, Object> arguments)
                throws IOException, TimeoutException, InterruptedException {
            Reply reply = post(tool, arguments);
            if (reply.status() / 100 == 4) { // the arguments were wrong: the model reads why
                return new ToolResult.Refused(reply.body());
            }
            reply.requireSuccess("%s/%s".formatted(Secrets.masked(url), tool));
            return isDoneFlagUsed && isDone(reply.body())
                    ? new ToolResult.Final(reply.body())
                    : new ToolResult.Ok(reply.body());
        }

        private static boolean isDone(String body) {
            try {
                return Json.parse(body) instanceof Map<?, ?> map
                        && Boolean.TRUE.equals(map.get("done"));
            } catch (JsonException e) {
                return false;
            }
        }

        @Override
        public OptionalDouble reward(Episode episode)
                throws IOException, TimeoutException, InterruptedException {
            var request = new LinkedHashMap<>(row);
            request.put("response", ResponsesForm.of(episode));
            Reply reply = post("verify", request);
            reply.requireSuccess(Secrets.masked(url) + "/verify");
            if (Json.parse(reply.body()) instanceof Map<?, ?> map
                    && map.get("reward") instanceof Number reward) {
                return Boolean.TRUE.equals(map.get("mask_sample"))
                        ? OptionalDouble.empty()
                        : OptionalDouble.of(reward.doubleValue());
            }
            throw new IOException(
                    "%s/verify gave no reward: %s"
                            .formatted(Secrets.masked(url), Excerpt.of(reply.body())));
        }

        private Reply post(String path, Map<String, Object> body)
                throws IOException, TimeoutException, InterruptedException {
            var headers = new LinkedHashMap<String, String>();
            headers.put("Content-Type", "application/json");
            synchronized (cookies) {
                if (!cookies.isEmpty()) {
                    var pairs = new ArrayList<String>();
                    cookies.forEach((name, value) -> pairs.add(name + "=" + value));
                    headers.put("Cookie", String.join("; ", pairs));
                }
            }
            URI target = URI.create(url.toString().replaceFirst("/$", "") + "/" + path);
            return new HttpAsk("POST", target, headers, Optional.of(Json.write(body)), timeout)
                    .send(
                            (status, header, in) -> {
                                header.apply("Set-Cookie").ifPresent(this::keep);
                                return new Reply(
                                        status,
                                        HttpAsk.text(in, header, LineProgram.LONGEST_ANSWER));
                            });
        }

        private void keep(String cookie) {
            String[] pair = cookie.split(";", 2)[0].split("=", 2);
            synchronized (cookies) {
                cookies.put(pair[0].strip(), pair.length > 1 ? pair[1].strip() : "");
            }
        }
    }

    /// A tool that is a path of the server.
    private record ServedTool(Session session, ToolSpec spec, ToolLimits limits) implements Tool {
        @Override
        public ToolResult call(Map<String, Object> arguments, ToolContext context)
                throws IOException, TimeoutException, InterruptedException {
            return session.call(spec.name(), arguments);
        }
    }
}
