package org.attune.trainers.loop;

/// The names of metrics, TRL's exact strings. Evaluation puts [#EVAL_PREFIX] before them.
public final class MetricKeys {
    public static final String EVAL_PREFIX = "eval_";

    public static final String STEP = "step";
    public static final String EPOCH = "epoch";
    public static final String LOSS = "loss";
    public static final String GRAD_NORM = "grad_norm";
    public static final String LEARNING_RATE = "learning_rate";
    public static final String ENTROPY = "entropy";
    /// Loss that balances the experts of a mixture, before its factor.
    public static final String AUX_LOSS = "aux_loss";

    public static final String MEAN_TOKEN_ACCURACY = "mean_token_accuracy";
    public static final String NUM_TOKENS = "num_tokens";

    public static final String REWARDS_CHOSEN = "rewards/chosen";
    public static final String REWARDS_REJECTED = "rewards/rejected";
    public static final String REWARDS_ACCURACIES = "rewards/accuracies";
    public static final String REWARDS_MARGINS = "rewards/margins";
    public static final String LOGPS_CHOSEN = "logps/chosen";
    public static final String LOGPS_REJECTED = "logps/rejected";
    public static final String LOGITS_CHOSEN = "logits/chosen";
    public static final String LOGITS_REJECTED = "logits/rejected";

    /// KTO's estimate of the policy's divergence from the reference, on mismatched completions.
    public static final String KL = "kl";

    /// Mean negative log-likelihood of the tokens that are imitated beside a preference loss.
    public static final String NLL_LOSS = "nll_loss";

    /// ORPO's log odds ratio of chosen and rejected completions, and the mean of its log-sigmoid.
    public static final String LOG_ODDS_CHOSEN = "log_odds_chosen";

    public static final String LOG_ODDS_RATIO = "log_odds_ratio";

    /// BCO's reward shift: the mean of all rewards so far.
    public static final String DELTA = "delta";

    /// A reward model's scores of both sides of the pairs.
    public static final String MIN_REWARD = "min_reward";

    public static final String MEAN_REWARD = "mean_reward";
    public static final String MAX_REWARD = "max_reward";

    /// Share of pairs whose chosen score is larger; ties count as wrong. Of process reward models:
    /// share of steps judged as they are labelled. Of BCO, in evaluations: share of completions
    /// whose reward is on its label's side of [#DELTA], ties counted half. Of KTO: the same of
    /// log-ratios and [#KL].
    public static final String ACCURACY = "accuracy";

    /// Mean divergence of a student from itself as its teacher, over tokens.
    public static final String SELF_DISTILLATION_LOSS = "self_distillation/distillation_loss";

    /// Mean loss of the policy gradient beside [#SELF_DISTILLATION_LOSS].
    public static final String SELF_POLICY_LOSS = "self_distillation/policy_loss";

    /// Mean of chosen minus rejected score.
    public static final String MARGIN = "margin";

    /// Mean of the weighted sums of rewards.
    public static final String REWARD = "reward";

    /// Standard deviation of the weighted sums of rewards.
    public static final String REWARD_STD = "reward_std";

    /// Standard error of the mean reward over the problems of a task.
    public static final String REWARD_STDERR = "reward_stderr";

    /// Share of the groups whose completions have equal rewards.
    public static final String ZERO_STD = "frac_reward_zero_std";

    /// Attune's own: share of pairs whose chosen reward is the larger one, ties counted half
    /// (TRL's
    /// `rewards/accuracies` counts them as wrong, so that an untrained policy has 0). Only in
    /// evaluations.
    public static final String PREFERENCE_ACCURACY = "preference_accuracy";

    /// Attune's own: tokens trained on per second since the last log, without padding.
    public static final String TOKENS_PER_SECOND = "tokens_per_second";

    /// Seconds a step took, mean since the last log.
    public static final String STEP_TIME = "step_time";

    /// Attune's own: mean seconds since the last log in which a process waited for the others.
    public static final String RANKS_WAIT = "ranks/wait_seconds";

    /// Attune's own: tokens of a process in a step, their mean divided by the most.
    public static final String RANKS_BALANCE = "ranks/balance";

    /// transformers' keys of the run's last log entry.
    public static final String TRAIN_LOSS = "train_loss";

    public static final String TRAIN_RUNTIME = "train_runtime";
    public static final String TRAIN_STEPS_PER_SECOND = "train_steps_per_second";
    public static final String TRAIN_SAMPLES_PER_SECOND = "train_samples_per_second";

    public static final String EVAL_RUNTIME = "eval_runtime";

    private MetricKeys() {}

    /// A key in the section of its kind, as transformers reports it: `train/loss` for `loss`,
    /// `eval/loss` for `eval_loss`.
    public static String sectioned(String key) {
        return key.startsWith(EVAL_PREFIX)
                ? "eval/" + key.substring(EVAL_PREFIX.length())
                : "train/" + key;
    }
}
