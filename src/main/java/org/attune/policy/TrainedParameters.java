package org.attune.policy;

/// What a policy trains: all weights of its decoder, or an adapter on them.
sealed interface TrainedParameters extends AutoCloseable permits FullParameters, AdapterParameters {
    FlatParameters parameters();

    @Override
    void close();
}
