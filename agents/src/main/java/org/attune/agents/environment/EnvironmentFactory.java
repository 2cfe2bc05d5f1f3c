package org.attune.agents.environment;

/// Makes the environments of one name.
@FunctionalInterface
public interface EnvironmentFactory {
    /// An environment for one episode.
    ///
    /// @throws Exception if the world failed
    Environment make() throws Exception;
}
