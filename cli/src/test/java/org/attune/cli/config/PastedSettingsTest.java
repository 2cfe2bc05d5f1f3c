package org.attune.cli.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.models.DtypeChoice;
import org.attune.optim.OptimizerType;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.sft.SftConfig;
import org.attune.trainers.sft.SftMethod;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;

class PastedSettingsTest {
    private static final String NEEDED =
            """
            model_name_or_path: model
            datasets: train.jsonl
            output_dir: out
            """;

    /// As DeepSpeed's pages and recipes have it.
    private static final String STAGE_1 =
            """
            {
              "train_batch_size": 64,
              "train_micro_batch_size_per_gpu": 2,
              "gradient_accumulation_steps": 8,
              "steps_per_print": 100,
              "gradient_clipping": 0.5,
              "optimizer": {
                "type": "AdamW",
                "params": {"lr": 3e-5, "betas": [0.8, 0.95], "eps": 1e-7, "weight_decay": 0.01}
              },
              "scheduler": {
                "type": "WarmupDecayLR",
                "params": {
                  "warmup_min_lr": 0,
                  "warmup_max_lr": 3e-5,
                  "warmup_num_steps": 50,
                  "warmup_type": "linear",
                  "total_num_steps": "auto"
                }
              },
              "bf16": {"enabled": true},
              "fp16": {"enabled": false, "loss_scale_window": 100},
              "zero_optimization": {"stage": 1, "overlap_comm": true, "reduce_bucket_size": 5e8},
              "wall_clock_breakdown": false
            }
            """;

    @TempDir private Path folder;

    private LoadedRun<SftConfig> run(String more, String... words) throws IOException {
        Path file = Files.writeString(folder.resolve("run.yaml"), NEEDED + more);
        return new RunConfigReader().read(new SftMethod(), file, List.of(words));
    }

    private String problems(String more) {
        return assertThrows(ConfigException.class, () -> run(more)).getMessage();
    }

    private void write(String name, String text) throws IOException {
        Files.writeString(folder.resolve(name), text);
    }

    @Test
    void whatHasAMeaningIsObeyed() throws IOException {
        write("ds.json", STAGE_1);
        LoadedRun<SftConfig> run = run("deepspeed: ds.json\n");
        TrainingConfig training = run.config().training();
        assertEquals(1, training.ranks().zeroStage());
        assertEquals(2, training.batch().perDeviceTrainBatchSize());
        assertEquals(8, training.batch().gradientAccumulationSteps());
        assertEquals(OptionalInt.of(4), training.batch().logicalDevices());
        assertEquals(0.5, training.optimizer().maxGradNorm());
        assertEquals(OptimizerType.ADAMW_TORCH, training.optimizer().optim());
        assertEquals(3e-5, training.optimizer().learningRate());
        assertEquals(0.8, training.optimizer().adamBeta1());
        assertEquals(0.95, training.optimizer().adamBeta2());
        assertEquals(1e-7, training.optimizer().adamEpsilon());
        assertEquals(0.01, training.optimizer().weightDecay());
        assertEquals("LINEAR", training.schedule().lrSchedulerType().name());
        assertEquals(50, training.schedule().warmupStepsOf(1000));
        assertEquals(DtypeChoice.AUTO, run.config().model().dtype());
        String notes = String.join("\n", run.notes());
        assertTrue(notes.contains("ds.json has no effect here"), notes);
        assertTrue(notes.contains("zero_optimization.overlap_comm"), notes);
        assertFalse(notes.contains("logarithm"), notes);
    }

    @Test
    void autoLeavesTheChoiceToTheRun() throws IOException {
        LoadedRun<SftConfig> run =
                run(
                        """
                        learning_rate: 1e-3
                        gradient_accumulation_steps: 3
                        deepspeed:
                          train_batch_size: auto
                          train_micro_batch_size_per_gpu: auto
                          gradient_accumulation_steps: auto
                          gradient_clipping: auto
                          bf16: {enabled: auto}
                          fp16: {enabled: auto}
                          optimizer:
                            type: Adam
                            params: {lr: auto, betas: auto, eps: auto, weight_decay: auto}
                          scheduler: {type: WarmupLR, params: {warmup_num_steps: auto}}
                          zero_optimization: {stage: 0, offload_optimizer: {device: none}}
                        """);
        TrainingConfig training = run.config().training();
        assertEquals(1e-3, training.optimizer().learningRate());
        assertEquals(3, training.batch().gradientAccumulationSteps());
        assertEquals(OptionalInt.empty(), training.batch().logicalDevices());
        assertEquals("CONSTANT_WITH_WARMUP", training.schedule().lrSchedulerType().name());
        assertTrue(String.join("\n", run.notes()).contains("logarithm"), run.notes().toString());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "zero_optimization: {offload_param: {device: cpu}}"
                        + "|zero_optimization.offload_param.device: cpu|none",
                "zero_optimization: {offload_optimizer: {device: nvme, nvme_path: /x}}"
                        + "|zero_optimization.offload_optimizer.device: nvme|adamw_8bit",
                "fp16: {enabled: true}|fp16.enabled: true|bf16: true",
                "optimizer: {type: OneBitAdam}|optimizer.type: OneBitAdam|AdamW, Adam",
                "optimizer: {type: Adam, params: {adam_w_mode: false}}"
                        + "|optimizer.params.adam_w_mode: false|optim: adam",
                "optimizer: {type: AdamW, params: {freeze_step: 9}}"
                        + "|optimizer.params.freeze_step: 9|leave it out",
                "scheduler: {type: OneCycle}|scheduler.type: OneCycle|WarmupLR",
                "scheduler: {type: WarmupLR, params: {warmup_min_lr: 1e-6}}"
                        + "|scheduler.params.warmup_min_lr: 1e-6|rises from 0",
                "compression_training: {weight_quantization: {on: 1}}"
                        + "|compression_training.weight_quantization.on: 1|leave it out",
                "train_batch_size: 7, train_micro_batch_size_per_gpu: 2"
                        + "|train_batch_size: 7|a multiple of",
            })
    void whatHasNoneIsRefusedByItsPath(String setting, String named, String instead) {
        String problem = problems("deepspeed: {" + setting + "}\n");
        assertTrue(problem.contains("1 problem"), problem);
        assertTrue(problem.contains("deepspeed: " + named), problem);
        assertTrue(problem.contains(instead), problem);
    }

    @Test
    void contradictionsAreRefused() throws IOException {
        write("ds.json", STAGE_1);
        String problem = problems("deepspeed: ds.json\ngradient_accumulation_steps: 4\n");
        assertTrue(
                problem.contains(
                        "ds.json:4: ds.json: gradient_accumulation_steps: 8; accepted: auto, or 4,"
                                + " as gradient_accumulation_steps says (run.yaml:5)"),
                problem);
        String file = problems("deepspeed: none.json\n");
        assertTrue(file.contains("none.json can't be read"), file);
    }

    @Test
    void filesOfAccelerateAreTakenOver() throws IOException {
        write(
                "zero1.yaml",
                """
                compute_environment: LOCAL_MACHINE
                debug: false
                deepspeed_config:
                  deepspeed_multinode_launcher: standard
                  gradient_accumulation_steps: 1
                  zero3_init_flag: false
                  zero_stage: 1
                distributed_type: DEEPSPEED
                downcast_bf16: 'no'
                machine_rank: 0
                main_training_function: main
                mixed_precision: 'bf16'
                num_machines: 1
                num_processes: 8
                rdzv_backend: static
                same_network: true
                tpu_env: []
                tpu_use_cluster: false
                use_cpu: false
                """);
        TrainingConfig training = run("config_file: zero1.yaml\n").config().training();
        assertEquals(1, training.ranks().zeroStage());
        assertEquals(OptionalInt.of(8), training.batch().logicalDevices());
        assertEquals(1, training.batch().gradientAccumulationSteps());
    }

    @Test
    void anAccelerateFileMayNameOneOfDeepSpeed() throws IOException {
        write("ds.json", STAGE_1);
        write(
                "accelerate.yaml",
                """
                distributed_type: DEEPSPEED
                deepspeed_config: {deepspeed_config_file: ds.json, zero3_init_flag: false}
                mixed_precision: 'no'
                num_processes: 4
                """);
        TrainingConfig training = run("config_file: accelerate.yaml\n").config().training();
        assertEquals(1, training.ranks().zeroStage());
        assertEquals(OptionalInt.of(4), training.batch().logicalDevices());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "distributed_type: FSDP, fsdp_config: {fsdp_sharding_strategy: HYBRID_SHARD}"
                        + "|fsdp_config.fsdp_sharding_strategy: HYBRID_SHARD|all machines",
                "distributed_type: MEGATRON_LM|distributed_type: MEGATRON_LM|MULTI_GPU",
                "mixed_precision: fp8|mixed_precision: fp8|bf16",
                "fp8_config: {backend: TE}|fp8_config.backend: TE|leave it out",
            })
    void whatAccelerateCutsIsRefused(String setting, String named, String instead) {
        String problem = problems("config_file: {" + setting + "}\n");
        assertTrue(problem.contains("1 problem"), problem);
        assertTrue(problem.contains(named), problem);
        assertTrue(problem.contains(instead), problem);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "deepspeed: {zero_optimization: {stage: 2, reduce_scatter: true}}",
                "config_file: {distributed_type: DEEPSPEED, deepspeed_config: {zero_stage: 2}}",
                "config_file: {distributed_type: FSDP, fsdp_config: {fsdp_sharding_strategy:"
                        + " SHARD_GRAD_OP}}",
                "config_file: {distributed_type: FSDP, fsdp_config: {fsdp_sharding_strategy: 2}}",
                "config_file: {distributed_type: FSDP, fsdp_config: {fsdp_version: 2,"
                        + " fsdp_reshard_after_forward: false}}",
                "fsdp: shard_grad_op auto_wrap",
                "fsdp: [shard_grad_op, auto_wrap]",
                "{fsdp: true, fsdp_config: {reshard_after_forward: false, version: 2}}",
                "{fsdp: full_shard, fsdp_config: {fsdp_reshard_after_forward: false}}",
            })
    void gradientsInPartsAreTakenOver(String settings) throws IOException {
        assertEquals(2, stage(settings));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "deepspeed: {zero_optimization: {stage: 3, stage3_max_live_parameters: 1e9}}",
                "config_file: {distributed_type: DEEPSPEED, deepspeed_config: {zero_stage: 3}}",
                "config_file: {distributed_type: FSDP}",
                "config_file: {distributed_type: FSDP, fsdp_config: {fsdp_sharding_strategy:"
                        + " FULL_SHARD}}",
                "config_file: {distributed_type: FSDP, fsdp_config: {fsdp_sharding_strategy: 1}}",
                "config_file: {distributed_type: FSDP, fsdp_config: {fsdp_version: 2,"
                        + " fsdp_reshard_after_forward: true}}",
                "fsdp: true",
                "fsdp: full_shard auto_wrap",
                "{fsdp: true, fsdp_config: {reshard_after_forward: true, version: 2}}",
            })
    void weightsInPartsAreTakenOver(String settings) throws IOException {
        assertEquals(3, stage(settings));
    }

    private int stage(String settings) throws IOException {
        String lines =
                settings.startsWith("{")
                        ? settings.substring(1, settings.length() - 1)
                                .replace(", fsdp_config", "\nfsdp_config")
                        : settings;
        return run(lines + "\n").config().training().ranks().zeroStage();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "fsdp: hybrid_shard|fsdp: fsdp: hybrid_shard|all machines",
                "fsdp: shard_grad_op offload|fsdp: fsdp: shard_grad_op offload|max_memory",
                "fsdp: all|fsdp: fsdp: all|NO_SHARD",
            })
    void whatFsdpCutsElseIsRefused(String setting, String named, String instead) {
        String problem = problems(setting + "\n");
        assertTrue(problem.contains("1 problem"), problem);
        assertTrue(problem.contains(named), problem);
        assertTrue(problem.contains(instead), problem);
    }

    @Test
    void aStageOutOfRangeSaysWhatToUse() {
        String problem = problems("zero_stage: 4\n");
        assertTrue(
                problem.contains("in [0, 3]: 0 cuts nothing over ranks, 1 the optimizer's state"),
                problem);
    }

    @Test
    void fsdpThatIsOffSaysNothing() throws IOException {
        LoadedRun<SftConfig> run = run("fsdp: ''\nfsdp_config: {min_num_params: 0}\n");
        assertEquals(0, run.config().training().ranks().zeroStage());
        assertTrue(String.join("\n", run.notes()).contains("without fsdp"), "" + run.notes());
        String both =
                "zero_stage: 1\nfsdp: no_shard\nfsdp_config: {activation_checkpointing: true}\n";
        TrainingConfig training = run(both).config().training();
        assertEquals(1, training.ranks().zeroStage());
        assertTrue(training.batch().gradientCheckpointing());
    }

    @Test
    void manyDevicesWithoutPartsAreTakenOver() throws IOException {
        String multi =
                "config_file: {distributed_type: MULTI_GPU, num_processes: 2, gpu_ids: all,"
                        + " mixed_precision: bf16, fsdp_config: {fsdp_offload_params: true}}\n";
        TrainingConfig training = run(multi).config().training();
        assertEquals(0, training.ranks().zeroStage());
        assertEquals(OptionalInt.of(2), training.batch().logicalDevices());
        String whole =
                "config_file: {distributed_type: FSDP, fsdp_config: {fsdp_sharding_strategy:"
                        + " NO_SHARD, fsdp_activation_checkpointing: true}}\n";
        assertEquals(0, run(whole).config().training().ranks().zeroStage());
    }
}
