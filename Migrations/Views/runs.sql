-- One row a run that is not in the trash: what was asked, of which images, and what came of it.
CREATE VIEW runs AS
SELECT
  id, name, status, "group", classifier, model, model_sha256, fingerprint, dataset, split, images,
  strategy, timesteps, grid, weights, noise, loss, reduction, lm, eta, attack, norm, epsilon,
  accuracy, accuracy_low, accuracy_high, n_correct, nfe_per_image, gradients_per_image,
  seconds_per_image, attack_gradients_per_image, attack_seconds_per_image, seed, started_at,
  finished_at, git_commit, n_done, attack_seed, attack_steps, restarts, eot, inputs_run, note,
  error, replay_of, run_group, inputs, question,
  purify, randomized_smoothing,
  cpu_seconds_per_image, peak_mebibytes, joules_per_image, gpu_joules_per_image,
  gpu_peak_mebibytes, external, precision
FROM every_run WHERE deleted_at IS NULL;
