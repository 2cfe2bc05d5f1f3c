/// Training whose loop runs elsewhere: gradients, updates and checkpoints of adapters, call by
/// call. Read [AdapterTraining]; [TrainedBase] is the frozen model that several of them share.
package org.attune.trainers.service;
