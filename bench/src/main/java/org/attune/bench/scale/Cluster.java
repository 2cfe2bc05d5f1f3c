package org.attune.bench.scale;

/// Devices and what lies between them.
///
/// @param flops operations a second that a device reaches in products of matrices
/// @param inside bytes a second that a device sends to others of its machine in a collective
/// @param across the same over machines: what a machine reaches over its network
/// @param local devices of a machine
/// @param hop seconds that a message takes, however small
/// @param updates trained numbers that a device's optimizer updates a second
/// @param hidden part of a step's products beside which messages can go
public record Cluster(
        double flops,
        double inside,
        double across,
        int local,
        double hop,
        double updates,
        double hidden) {
    /// Machines of eight H100: 40 % of 989 · 10¹² dense bfloat16 operations, 460 GB/s inside a
    /// machine, 360 GB/s over its eight links of 400 Gbit/s, AdamW bound by memory (28 bytes
    /// a number). Assumed, not measured. Messages follow the products, as they do in a run.
    public static Cluster h100() {
        return new Cluster(400e12, 460e9, 360e9, 8, 5e-6, 20e9, 0);
    }

    /// Replaces the network between machines.
    ///
    /// @param bytes a second of a device
    public Cluster withAcross(double bytes) {
        return new Cluster(flops, inside, bytes, local, hop, updates, hidden);
    }

    /// Replaces the part of messages that products hide.
    ///
    /// @param part of the products, in [0, 1]
    public Cluster withHidden(double part) {
        return new Cluster(flops, inside, across, local, hop, updates, part);
    }

    /// Seconds in which `n` devices give each its part of a sum, or gather all parts. The faster of
    /// a ring and of halving:
    /// ```
    /// min( (n − 1)/n · bytes/B + (n − 1) · hop,  bytes/B + log₂ n · hop )
    /// ```
    ///
    /// @param bytes of the whole
    public double half(int n, double bytes) {
        if (n == 1) {
            return 0;
        }
        double bus = n <= local ? inside : across;
        double ring = (n - 1.0) / n * bytes / bus + (n - 1) * hop;
        double halving = bytes / bus + Math.log(n) / Math.log(2) * hop;
        return Math.min(ring, halving);
    }
}
