package org.attune.trainers.ppo;

/// Keeps weights of policy and critic, and their optimizers' moments, from before an update, to
/// restore them if it is stopped halfway.
final class KeptWeights {
    private static final long MOST = 1 << 25; // 384 MiB
    private static final long BYTES = 3 * Float.BYTES;

    private KeptWeights() {}

    /// Whether they are kept. Of large models they would take too much memory.
    ///
    /// @param trained numbers of policy and critic
    public static boolean suit(long trained) {
        return trained <= MOST;
    }

    /// Memory that they take.
    ///
    /// @param trained as for [#suit]
    public static long bytes(long trained) {
        return suit(trained) ? BYTES * trained : 0;
    }
}
