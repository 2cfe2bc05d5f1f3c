package org.attune.agents.wire;

import org.attune.agents.tool.Tool;
import org.attune.agents.tool.ToolContext;
import org.attune.agents.tool.ToolLimits;
import org.attune.agents.tool.ToolResult;
import org.attune.agents.tool.ToolSpec;
import org.attune.episode.EpisodeStart;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/// The connection as one episode uses it.
///
/// @param hasState whether the other side knows something of the episode: once it began anew, all
///     requests fail
/// @param generation of the first reply
record EpisodeWire(Wire wire, EpisodeStart start, boolean hasState, AtomicInteger generation) {
    EpisodeWire(Wire wire, EpisodeStart start, boolean hasState) {
        this(wire, start, hasState, new AtomicInteger(Wire.ANY));
    }

    Map<String, Object> ask(Map<String, Object> request)
            throws IOException, TimeoutException, InterruptedException {
        Wire.Reply reply = wire.ask(request, hasState ? generation.get() : Wire.ANY);
        generation.compareAndSet(Wire.ANY, reply.generation());
        Answers.requireNoError(reply.fields());
        return reply.fields();
    }

    /// Begins a request about the episode.
    Map<String, Object> request() {
        var request = new LinkedHashMap<String, Object>();
        request.put(
                "episode",
                "%d.%d.%d".formatted(start.id().round(), start.id().place(), start.attempt()));
        return request;
    }

    List<Tool> tools(Listing listing, ToolLimits limits) {
        return listing.tools().stream()
                .<Tool>map(spec -> new WireTool(this, spec, limits))
                .toList();
    }

    /// A tool of the other side.
    private record WireTool(EpisodeWire wire, ToolSpec spec, ToolLimits limits) implements Tool {
        @Override
        public ToolResult call(Map<String, Object> arguments, ToolContext context)
                throws IOException, TimeoutException, InterruptedException {
            var call = new LinkedHashMap<String, Object>();
            call.put("name", spec.name());
            call.put("arguments", arguments);
            Map<String, Object> request = wire.request();
            request.put("turn", context.turn());
            request.put("call", call);
            return Answers.toolResult(wire.ask(request));
        }
    }
}
