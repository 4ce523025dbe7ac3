-- One row a configuration: everything that decides what a classifier answers, apart from seeds, images
-- and attacks. A field at its neutral default is not in json, but it is in its column.
CREATE VIEW configurations AS
SELECT fingerprint, classifier, model, lm_model, grid, weights, loss, reduction, logit_scale,
  json_extract(json, '$.prior') AS prior, -- JSON array, NULL: uniform
  noise, share_timesteps, antithetic, draws, strategy, lm, lm_steps, lm_rate, lm_sigma_low,
  lm_sigma_high, json_extract(json, '$.lm.momentum') AS lm_momentum, eta, json,
  json_extract(json, '$.purify') AS purify, -- as sde:0.34:10, NULL without
  json_extract(json, '$.randomized_smoothing')
    AS randomized_smoothing, -- as 0.25:100:1000, NULL without
  coalesce(json_extract(json, '$.precision'), 'fp32') AS precision -- of the networks' products
FROM configuration;
