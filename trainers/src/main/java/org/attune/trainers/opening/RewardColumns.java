package org.attune.trainers.opening;

import org.attune.datasets.ColumnUse;
import org.attune.reward.builtin.BuiltinRewards;
import org.attune.trainers.judges.ModelReward;
import org.attune.trainers.onpolicy.JudgedRun;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// Columns of the data that the rewards of a run read, as far as they are known.
public final class RewardColumns {
    private RewardColumns() {}

    /// What happens with columns that prompts aren't made of. A reward of the user's own may read
    /// any.
    ///
    /// @param directory where relative paths of rewards start
    public static ColumnUse use(JudgedRun config, Path directory) {
        List<Object> entries = config.judges();
        boolean known =
                entries.stream()
                        .allMatch(entry -> isBuiltIn(entry) || ModelReward.fits(entry, directory));
        if (!known) {
            return new ColumnUse.Anything();
        }
        return new ColumnUse.PromptsAndRewards(RolloutSetup.rewardColumns(config, directory).all());
    }

    private static boolean isBuiltIn(Object entry) {
        return switch (entry) {
            case String name -> isName(name);
            case Map<?, ?> map -> map.get("name") instanceof String name && isName(name);
            default -> false;
        };
    }

    private static boolean isName(String name) {
        return BuiltinRewards.names().contains(name)
                || BuiltinRewards.names().contains("get_" + name);
    }
}
