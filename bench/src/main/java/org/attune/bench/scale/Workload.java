package org.attune.bench.scale;

import org.attune.bench.ModelShape;

/// A model, and which of its numbers are trained.
///
/// @param name for tables
/// @param frozen numbers that stay, `F`
/// @param trained numbers, `P`
/// @param layers blocks, one of which is sent while the next is computed
public record Workload(String name, double frozen, double trained, int layers) {
    /// An adapter on all linear layers of the blocks.
    ///
    /// @param rank of its matrices
    public static Workload lora(String name, ModelShape shape, int rank) {
        double width = shape.width();
        double queries = (double) shape.heads() * shape.headDim();
        double keys = (double) shape.kvHeads() * shape.headDim();
        double inner = shape.inner();
        double layer =
                2 * (width + queries) // queries and output
                        + 2 * (width + keys) // keys and values
                        + 3 * (width + inner); // gate, up, down
        return new Workload(name, numbers(shape), rank * layer * shape.depth(), shape.depth());
    }

    /// A workload that trains all weights.
    public static Workload full(String name, ModelShape shape) {
        return new Workload(name, 0, numbers(shape), shape.depth());
    }

    /// Counts the weights of all matrices; norms are left out.
    static double numbers(ModelShape shape) {
        double width = shape.width();
        double queries = (double) shape.heads() * shape.headDim();
        double keys = (double) shape.kvHeads() * shape.headDim();
        double layer = 2 * width * queries + 2 * width * keys + 3 * width * shape.inner();
        double table = width * shape.vocabulary();
        return shape.depth() * layer + (shape.tied() ? 1 : 2) * table;
    }

    /// Operations of a step: two a weight forward, two for gradients of inputs, two for gradients
    /// of trained weights, and two again where blocks are computed anew in the backward pass.
    ///
    /// @param tokens of a device
    public double operations(double tokens, boolean recomputed) {
        double all = frozen + trained;
        return tokens * (4 * all + 2 * trained + (recomputed ? 2 * all : 0));
    }
}
