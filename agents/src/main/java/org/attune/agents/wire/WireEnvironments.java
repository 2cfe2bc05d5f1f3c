package org.attune.agents.wire;

import org.attune.agents.environment.Environment;
import org.attune.agents.environment.EnvironmentFactory;
import org.attune.agents.environment.Opening;
import org.attune.agents.environment.Step;
import org.attune.agents.tool.Tool;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeStart;
import org.attune.episode.Turn;
import org.attune.text.Message;
import org.attune.text.parse.ParsedTurn;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.TimeoutException;

/// Environments of a program or a server.
public final class WireEnvironments implements EnvironmentFactory {
    private final WireParameters parameters;
    private final Wire shared;
    private volatile Listing listing; // null until the first episode

    public WireEnvironments(WireParameters parameters) {
        this.parameters = parameters;
        this.shared = parameters.source().connect();
    }

    @Override
    public Environment make() {
        return parameters.isPerEpisode()
                ? new One(parameters.source().connect(), true)
                : new One(shared, false);
    }

    @Override
    public void close() {
        shared.close();
    }

    private Listing listing(EpisodeWire wire)
            throws IOException, TimeoutException, InterruptedException {
        Listing known = listing;
        if (known == null) {
            known = Listing.of(wire.ask(Listing.REQUEST));
            listing = known;
        }
        return known;
    }

    /// The environment of an episode.
    private final class One implements Environment {
        private final Wire wire;
        private final boolean isOwner;
        private EpisodeWire episode; // null before reset
        private Listing offered;
        private Map<String, Object> state = Map.of();
        private Map<String, Double> ofRoles = Map.of();

        One(Wire wire, boolean isOwner) {
            this.wire = wire;
            this.isOwner = isOwner;
        }

        @Override
        public Opening reset(EpisodeStart start)
                throws IOException, TimeoutException, InterruptedException {
            var begun = new EpisodeWire(wire, start, true);
            offered = listing(begun);
            Map<String, Object> request = begun.request();
            request.put("reset", start.row());
            request.put("seed", start.seed());
            request.put("member", start.member());
            Opening opening = Answers.opening(begun.ask(request));
            episode = begun;
            return opening;
        }

        @Override
        public List<Tool> tools() {
            return episode.tools(offered, parameters.limits());
        }

        @Override
        public Step step(ParsedTurn turn, int index)
                throws IOException, TimeoutException, InterruptedException {
            if (!offered.answers().contains("step")) {
                return Step.END;
            }
            var step = new LinkedHashMap<String, Object>();
            step.put("content", turn.message().content());
            step.put("message", turn.message().fields());
            Map<String, Object> request = episode.request();
            request.put("turn", index);
            request.put("step", step);
            return Answers.step(episode.ask(request));
        }

        @Override
        public OptionalDouble reward(Episode ended)
                throws IOException, TimeoutException, InterruptedException {
            if (!offered.answers().contains("reward")) {
                return OptionalDouble.empty();
            }
            var about = new LinkedHashMap<String, Object>();
            about.put("end", ended.end().key());
            about.put("messages", ended.messages().stream().map(Message::fields).toList());
            if (ended.hasRoles()) {
                about.put("roles", ended.turns().stream().map(Turn::role).toList());
            }
            Map<String, Object> request = episode.request();
            request.put("reward", about);
            Map<String, Object> answer = episode.ask(request);
            if (answer.get("state") instanceof Map<?, ?> kept) {
                state = Answers.named(kept);
            }
            ofRoles = Answers.rewards(answer);
            return Answers.reward(answer);
        }

        @Override
        public List<String> roles() {
            return List.copyOf(offered.roles().keySet());
        }

        @Override
        public String systemPrompt(String role) {
            return offered.roles().getOrDefault(role, "");
        }

        /// As the program answered when it was asked for the reward.
        @Override
        public Map<String, Double> rewards(Episode ended) {
            return ofRoles;
        }

        @Override
        public Map<String, Object> state() {
            return state;
        }

        @Override
        public void close() throws IOException {
            try {
                if (episode != null && offered.answers().contains("close")) {
                    Map<String, Object> request = episode.request();
                    request.put("close", true);
                    episode.ask(request);
                }
            } catch (TimeoutException e) {
                throw new IOException(e.getMessage(), e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw (IOException) new InterruptedIOException(e.getMessage()).initCause(e);
            } finally {
                if (isOwner) {
                    wire.close();
                }
            }
        }
    }
}
