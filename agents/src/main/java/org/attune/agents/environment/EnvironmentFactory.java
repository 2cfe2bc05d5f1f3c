package org.attune.agents.environment;

/// Makes the environments of one name. Called from many threads at once.
@FunctionalInterface
public interface EnvironmentFactory extends AutoCloseable {
    /// An environment for one episode.
    ///
    /// @throws Exception if the world failed
    Environment make() throws Exception;

    /// Gives back what the run's environments share, at the end of the run.
    @Override
    default void close() {}
}
