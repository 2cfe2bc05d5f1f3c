package org.attune.agents.tool;

import java.util.List;

/// The tools of one episode, with their state.
public interface ToolSet extends AutoCloseable {
    /// In the order in which a prompt shows them; the same each time.
    List<Tool> tools();

    @Override
    default void close() {}
}
