// How far into a layer a stream of activations has come.
#ifndef ABL_PLAN_STAGE_H
#define ABL_PLAN_STAGE_H

// How far into a layer.
enum stage {
    STAGE_START,     // before everything
    STAGE_ATTENDED,  // behind attention: z is there
    STAGE_BESIDE,    // and behind an MLP that runs beside attention (parallel models)
    STAGE_PROJECTED, // and behind W_O: attn_out is in the residual stream
    STAGE_DONE,      // and behind an MLP that comes after attention
    N_STAGES,
};

#endif
