package org.attune.bench.scale;

/// A step on `n` devices, by formulas. Messages go beside products as far as the cluster's `hidden`
/// says, 0 where they follow them; those of the last block have nothing beside them.
/// ```
/// exposed    = max(messages / layers, messages − hidden · products)
/// efficiency = (products + update) / (products + update + exposed)
/// ```
///
/// @param tokens of a device in a step
/// @param microBatches in which it computes them, `m`
/// @param recomputed whether blocks are computed anew in the backward pass
public record StepModel(
        Cluster cluster,
        Workload work,
        Sharding sharding,
        double tokens,
        int microBatches,
        boolean recomputed) {
    /// Seconds of products.
    public double products() {
        return work.operations(tokens, recomputed) / cluster.flops();
    }

    /// Seconds of the optimizer, which has its part of the numbers where moments are cut.
    public double update(int n) {
        double own = sharding == Sharding.NONE ? work.trained() : work.trained() / n;
        return own / cluster.updates();
    }

    /// Seconds of messages.
    public double messages(int n) {
        return sharding.seconds(cluster, work, n, microBatches);
    }

    /// Seconds for which products wait for messages.
    public double exposed(int n) {
        double messages = messages(n);
        return Math.max(messages / work.layers(), messages - cluster.hidden() * products());
    }

    /// Part of the time in which devices compute, if all take the same time.
    public double efficiency(int n) {
        double computes = products() + update(n);
        return computes / (computes + exposed(n));
    }
}
