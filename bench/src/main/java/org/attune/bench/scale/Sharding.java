package org.attune.bench.scale;

/// What is cut over devices instead of being held by each. `P` trained and `F` frozen numbers, `n`
/// devices, `m` micro-batches of a step, `r = (n − 1)/n`; gradients, values and moments
/// are float32, what products read is bfloat16.
public enum Sharding {
    /// Nothing: gradients are summed, `2 r · 4 P` bytes a step.
    NONE("0") {
        @Override
        public double sent(Workload work, int n, int m) {
            return 2 * part(n) * 4 * work.trained();
        }

        @Override
        public double held(Workload work, int n) {
            return 2 * work.frozen() + (2 + 16) * work.trained();
        }

        @Override
        double seconds(Cluster cluster, Workload work, int n, int m) {
            return 2 * cluster.half(n, 4 * work.trained());
        }
    },
    /// The optimizer's moments: gradients are summed into parts, new values gathered, in as
    /// many bytes.
    STATE("1") {
        @Override
        public double sent(Workload work, int n, int m) {
            return NONE.sent(work, n, m);
        }

        @Override
        public double held(Workload work, int n) {
            return 2 * work.frozen() + (2 + 8 + 8.0 / n) * work.trained();
        }

        @Override
        double seconds(Cluster cluster, Workload work, int n, int m) {
            return NONE.seconds(cluster, work, n, m);
        }
    },
    /// Gradients too: each micro-batch's are summed into parts, `r (m + 1) · 4 P`.
    GRADIENTS("2") {
        @Override
        public double sent(Workload work, int n, int m) {
            return part(n) * (m + 1) * 4 * work.trained();
        }

        @Override
        public double held(Workload work, int n) {
            return 2 * work.frozen() + (2 + 4 + 12.0 / n) * work.trained();
        }

        @Override
        double seconds(Cluster cluster, Workload work, int n, int m) {
            return (m + 1) * cluster.half(n, 4 * work.trained());
        }
    },
    /// Weights too: gathered in bfloat16, block by block, forward and backward,
    /// `m r (2 · 2 P + 4 P)` for trained and `m r 2 · 2 F` for frozen ones.
    WEIGHTS("3") {
        @Override
        public double sent(Workload work, int n, int m) {
            return m * part(n) * (8 * work.trained() + 4 * work.frozen());
        }

        @Override
        public double held(Workload work, int n) {
            double blocks = 2 * 2 * (work.frozen() + work.trained()) / work.layers(); // two at work
            return (2 * work.frozen() + 18 * work.trained()) / n + blocks;
        }

        @Override
        double seconds(Cluster cluster, Workload work, int n, int m) {
            double weights = 2 * (work.frozen() + work.trained()) / work.layers();
            double gradients = 4 * work.trained() / work.layers();
            return m * work.layers() * (2 * cluster.half(n, weights) + cluster.half(n, gradients));
        }
    };

    private final String stage;

    Sharding(String stage) {
        this.stage = stage;
    }

    private static double part(int n) {
        return (n - 1.0) / n;
    }

    /// ZeRO's number of the stage.
    public String stage() {
        return stage;
    }

    /// Bytes that a device sends in a step.
    public abstract double sent(Workload work, int n, int m);

    /// Bytes of weights, gradients, values and moments that a device holds; activations come on
    /// top.
    public abstract double held(Workload work, int n);

    /// Seconds of a step's messages.
    abstract double seconds(Cluster cluster, Workload work, int n, int m);
}
