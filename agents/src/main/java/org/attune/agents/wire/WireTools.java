package org.attune.agents.wire;

import org.attune.agents.tool.Tool;
import org.attune.agents.tool.ToolSet;
import org.attune.agents.tool.ToolSetFactory;
import org.attune.episode.EpisodeStart;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeoutException;

/// Tools of a program or a server. What they are is asked once a run.
public final class WireTools implements ToolSetFactory {
    private final WireParameters parameters;
    private final Wire shared;
    private volatile Listing listing; // null until the first episode

    public WireTools(WireParameters parameters) {
        this.parameters = parameters;
        this.shared = parameters.source().connect();
    }

    @Override
    public ToolSet open(EpisodeStart start)
            throws IOException, TimeoutException, InterruptedException {
        if (!parameters.isPerEpisode()) {
            return ToolSet.of(tools(new EpisodeWire(shared, start, false)));
        }
        var own = new EpisodeWire(parameters.source().connect(), start, true);
        try {
            return ToolSet.of(tools(own), own.wire()::close);
        } catch (IOException | TimeoutException | InterruptedException | RuntimeException e) {
            own.wire().close();
            throw e;
        }
    }

    private List<Tool> tools(EpisodeWire wire)
            throws IOException, TimeoutException, InterruptedException {
        Listing known = listing;
        if (known == null) {
            known = Listing.of(wire.ask(Listing.REQUEST));
            listing = known;
        }
        return wire.tools(known, parameters.limits());
    }

    @Override
    public void close() {
        shared.close();
    }
}
