#!/bin/bash
#SBATCH --job-name=attune
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=2
#SBATCH --cpus-per-task=32
#SBATCH --time=24:00:00
#SBATCH --signal=B:USR1@300
#SBATCH --requeue
#SBATCH --open-mode=append
# Five minutes before its time is over, Slurm sends USR1 to this script, which passes it on: the ranks finish their step,
# write a checkpoint and end. A job that is started again goes on from there.
set -uo pipefail
module load openmpi                        # or: export ATTUNE_MPI_HOME=/opt/openmpi
export OMP_NUM_THREADS=$SLURM_CPUS_PER_TASK

mpirun --map-by "slot:PE=$SLURM_CPUS_PER_TASK" attune grpo run.yaml resume=true &
# or, where srun knows PMIx:  srun --mpi=pmix attune grpo run.yaml resume=true &
job=$!
trap 'kill -USR1 $job; stopped=1' USR1
wait $job
code=$?
if [ "${stopped:-0}" = 1 ]; then           # the first wait ended with the signal
  wait $job
  code=$?
  scontrol requeue "$SLURM_JOB_ID"
fi
exit $code
