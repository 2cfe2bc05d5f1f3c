package org.attune.agents.mcp;

import org.attune.agents.tool.Tool;
import org.attune.agents.tool.ToolContext;
import org.attune.agents.tool.ToolLimits;
import org.attune.agents.tool.ToolResult;
import org.attune.agents.tool.ToolSet;
import org.attune.agents.tool.ToolSetFactory;
import org.attune.agents.tool.ToolSpec;
import org.attune.episode.EpisodeStart;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;

/// Tools of a server, one for all episodes or one for each. A shared server that failed, or answers
/// nothing any more, is begun anew for the next episode; its calls under way fail.
final class McpTools implements ToolSetFactory {
    /// Reaches a server.
    interface Opener {
        McpChannel open() throws IOException;
    }

    private final Opener opener;
    private final boolean isPerEpisode;
    private final ToolLimits limits;
    private final ReentrantLock lock = new ReentrantLock();
    private Offer shared; // null if none is open
    private boolean closed;

    McpTools(Opener opener, boolean isPerEpisode, ToolLimits limits) {
        this.opener = opener;
        this.isPerEpisode = isPerEpisode;
        this.limits = limits;
    }

    /// A server and what it offers.
    private record Offer(McpSession session, List<ToolSpec> tools) {}

    @Override
    public ToolSet open(EpisodeStart start)
            throws IOException, TimeoutException, InterruptedException {
        if (!isPerEpisode) {
            return ToolSet.of(tools(shared()));
        }
        Offer own = begin();
        return ToolSet.of(tools(own), own.session()::close);
    }

    private Offer shared() throws IOException, TimeoutException, InterruptedException {
        lock.lockInterruptibly();
        try {
            if (closed) {
                throw new IOException("the run's tools are closed");
            }
            if (shared == null) {
                shared = begin();
            }
            return shared;
        } finally {
            lock.unlock();
        }
    }

    private Offer begin() throws IOException, TimeoutException, InterruptedException {
        McpSession session = McpSession.begin(opener.open());
        try {
            return new Offer(session, session.tools());
        } catch (IOException | TimeoutException | InterruptedException | RuntimeException e) {
            session.close();
            throw e;
        }
    }

    private List<Tool> tools(Offer offer) {
        return offer.tools().stream().<Tool>map(spec -> new McpTool(offer, spec)).toList();
    }

    private void forget(Offer offer) {
        lock.lock();
        try {
            if (shared != offer) {
                return;
            }
            shared = null;
        } finally {
            lock.unlock();
        }
        offer.session().close();
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            if (shared != null) {
                shared.session().close();
                shared = null;
            }
        } finally {
            lock.unlock();
        }
    }

    /// A tool of a server.
    private final class McpTool implements Tool {
        private final Offer offer;
        private final ToolSpec spec;

        McpTool(Offer offer, ToolSpec spec) {
            this.offer = offer;
            this.spec = spec;
        }

        @Override
        public ToolSpec spec() {
            return spec;
        }

        @Override
        public ToolLimits limits() {
            return limits;
        }

        @Override
        public ToolResult call(Map<String, Object> arguments, ToolContext context)
                throws IOException, TimeoutException, InterruptedException {
            try {
                return offer.session().call(spec.name(), arguments);
            } catch (IOException e) {
                forget(offer);
                throw e;
            } catch (TimeoutException e) {
                if (!offer.session().isAlive()) {
                    forget(offer);
                }
                throw e;
            }
        }
    }
}
