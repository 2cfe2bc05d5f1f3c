package org.attune.agents.gateway;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.episode.EpisodeStart;
import org.attune.text.Message;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;

/// Starts an agent's program for each episode, and listens to what it asks.
@Api(EXPERIMENTAL)
public final class AgentHost implements AutoCloseable {
    private final AgentProgram agent;
    private final Gateway gateway;

    private AgentHost(AgentProgram agent, Gateway gateway) {
        this.agent = agent;
        this.gateway = gateway;
    }

    /// @throws IOException if it can't listen at the loopback address
    public static AgentHost open(AgentProgram agent) throws IOException {
        return new AgentHost(agent, Gateway.open());
    }

    /// An agent at work in one episode.
    public static final class Work implements AutoCloseable {
        private final AgentRequests requests;
        private final Gateway.Endpoint endpoint;
        private final AgentProcess process;

        private Work(AgentRequests requests, Gateway.Endpoint endpoint, AgentProcess process) {
            this.requests = requests;
            this.endpoint = endpoint;
            this.process = process;
        }

        /// What it does.
        public AgentRequests requests() {
            return requests;
        }

        /// Ends its program, and refuses what it still asks.
        @Override
        public void close() {
            process.close();
            endpoint.close();
            requests.close();
        }
    }

    /// Starts the program. It reads the row with its `prompt`, a list of messages.
    ///
    /// @throws IOException if it can't be started
    public Work start(EpisodeStart start, List<Message> prompt) throws IOException {
        var row = new LinkedHashMap<String, Object>();
        row.put("prompt", prompt.stream().map(Message::fields).toList());
        row.putAll(start.row());
        var requests = new AgentRequests();
        Gateway.Endpoint endpoint = gateway.endpoint(requests);
        try {
            AgentProcess process = AgentProcess.start(agent, endpoint, row, start.seed());
            requests.follow(process);
            return new Work(requests, endpoint, process);
        } catch (IOException e) {
            endpoint.close();
            throw e;
        }
    }

    /// Listens no more.
    @Override
    public void close() {
        gateway.close();
    }
}
