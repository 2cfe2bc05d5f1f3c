package org.attune.policy;

/// What a policy trains: all weights of its decoder, or an adapter on them.
sealed interface TrainedParameters extends AutoCloseable permits FullParameters, AdapterParameters {
    FlatParameters parameters();

    /// Who is told how far a backward pass is.
    BackwardProgress progress();

    @Override
    void close();
}
