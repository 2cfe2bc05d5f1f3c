package org.attune.agents.tool;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;

import java.util.List;

/// The tools of one episode, with their state.
@Api(STABLE)
public interface ToolSet extends AutoCloseable {
    /// Tools that keep no state from one episode to another.
    static ToolSet of(List<Tool> tools) {
        List<Tool> all = List.copyOf(tools);
        return () -> all;
    }

    /// Tools with something to give back when their episode has ended.
    ///
    /// @param close gives it back; what it throws is for those who close
    static ToolSet of(List<Tool> tools, Runnable close) {
        List<Tool> all = List.copyOf(tools);
        return new ToolSet() {
            @Override
            public List<Tool> tools() {
                return all;
            }

            @Override
            public void close() {
                close.run();
            }
        };
    }

    /// The methods of an object that are marked with [ToolMethod], see [AnnotatedTools].
    ///
    /// @throws org.attune.error.ConfigException if none is, or one can't be a tool
    static ToolSet of(Object annotated) {
        return of(AnnotatedTools.required(annotated));
    }

    /// The tools in the order in which a prompt shows them, which is equal each time.
    List<Tool> tools();

    @Override
    default void close() {}
}
