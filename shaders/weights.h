// The weights of a product, four columns at a time, as fp32 or as fp16. Texel buffers of halves widen by themselves.
INPUT(2, w)
#ifdef TEXEL
vec4 w_load4(uint i)
{
    return w_at4(i);
}
#else
layout(constant_id = 6) const bool HALF_W = false; // w is stored as fp16
layout(set = 0, binding = 2, std430) readonly buffer w_halves
{
    uvec2 w_half4[];
};

vec4 w_load4(uint i)
{
    if (HALF_W)
        return vec4(unpackHalf2x16(w_half4[i].x), unpackHalf2x16(w_half4[i].y));
    return w_at4(i);
}
#endif
